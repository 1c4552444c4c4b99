import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { repositoryFiles, root } from './repository';

/** Names that reach for the clock, chance or the surroundings. Pure libs get these as arguments. */
const impureCalls = new Set([
  'Date.now',
  'Math.random',
  'performance.now',
  'crypto.getRandomValues',
  'webcrypto.getRandomValues',
]);
const impureNames = new Set([
  'process',
  'globalThis',
  'fetch',
  'require',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'randomBytes',
  'randomUUID',
  'randomInt',
  'randomFillSync',
]);

/** Places in a source text that depend on anything but arguments: "3: Date.now". */
function impurities(text: string): string[] {
  const source = ts.createSourceFile('x.ts', text, ts.ScriptTarget.ES2023, true);
  const found: string[] = [];
  const report = (node: ts.Node, what: string) => {
    found.push(`${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${what}`);
  };
  const isName = (node: ts.Node, parent: ts.Node) =>
    !(ts.isPropertyAccessExpression(parent) && parent.name === node) &&
    !(ts.isPropertyAssignment(parent) && parent.name === node) &&
    !ts.isPropertySignature(parent) &&
    !ts.isMethodDeclaration(parent) &&
    !ts.isTypeReferenceNode(parent) &&
    !ts.isParameter(parent);
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && impureCalls.has(node.getText())) report(node, node.getText());
    if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) {
      report(node, 'new Date()');
    }
    if (ts.isCallExpression(node) && node.expression.getText() === 'Date') report(node, 'Date()');
    if (ts.isIdentifier(node) && impureNames.has(node.text) && isName(node, node.parent)) report(node, node.text);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) report(node, 'import()');
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const pureFiles = repositoryFiles().filter((file) => /^libs\/(core|recognition)\/src\/.*(?<!\.spec)\.ts$/.test(file));

test.each(pureFiles)('%s depends on its arguments alone', (file) => {
  expect(impurities(readFileSync(join(root, file), 'utf8'))).toEqual([]);
});

test.each([
  ['const at = Date.now();', '1: Date.now'],
  ['const at = new Date();', '1: new Date()'],
  ['const at = new Date;', '1: new Date()'],
  ['const at = Date();', '1: Date()'],
  ['\nconst dir = process.env.HOME;', '2: process'],
  ['const x = Math.random();', '1: Math.random'],
  ["import { randomBytes } from 'node:crypto';", '1: randomBytes'],
  ["const fs = require('node:fs');", '1: require'],
  ["const fs = await import('node:fs');", '1: import()'],
  ['setTimeout(() => 0, 1);', '1: setTimeout'],
])('finds what is impure in %j', (text, place) => {
  expect(impurities(text)).toContain(place);
});

test.each([
  'const at = new Date(iso);',
  '// Date.now() in a comment',
  "const words = 'process.env and Math.random()';",
  'interface Named { process: string }',
  'const one = { process: 1 }; one.process;',
])('leaves %j alone', (text) => {
  expect(impurities(text)).toEqual([]);
});

test('there are pure files to look at', () => {
  expect(pureFiles.length).toBeGreaterThan(30);
});
