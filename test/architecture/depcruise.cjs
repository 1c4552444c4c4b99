const { join } = require('node:path');

// Who may import whom (docs/architecture.md). `npm run arch` runs it; imports.spec.ts shows that each rule can fail.

/** Per part of the house: the libs it may import. An app reaches a lib only through its index, as libs do. */
const mayImport = {
  core: [],
  recognition: ['core'],
  platform: ['core'],
  access: ['core', 'platform'],
  audit: ['core', 'platform'],
  delivery: ['core', 'audit', 'platform'],
  exchange: ['core', 'recognition', 'platform', 'access', 'audit', 'delivery'],
};
const appsMayImport = {
  gateway: Object.keys(mayImport),
  verifier: ['core', 'recognition'],
  // Drives nodes by HTTP and processes, makes their keys and first agreement, and has the words for the rules.
  demo: ['core', 'platform', 'recognition', 'exchange'],
};

/** Whatever a pure lib may import besides itself and what `mayImport` says. Everything else is a way out of purity. */
const pure = {
  core: ['crypto', 'zlib', 'ajv', 'canonicalize'],
  recognition: [
    '@marcbachmann/cel-js',
    '@turf/boolean-point-in-polygon',
    '@turf/point-to-line-distance',
    'ajv',
    'chinese-days',
    'csv-parse',
    'csv-stringify',
    'gcoord',
  ],
};

const anyOf = (names) => `(${names.join('|')})`;

const layers = Object.entries(mayImport).map(([lib, allowed]) => ({
  name: `layer-${lib}`,
  severity: 'error',
  comment: `libs/${lib} may import ${allowed.length > 0 ? allowed.join(', ') : 'no other lib'}, and no app.`,
  from: { path: `^libs/${lib}/` },
  to: { path: '^(libs|apps)/', pathNot: `^libs/${anyOf([lib, ...allowed])}/` },
}));

const appLayers = Object.entries(appsMayImport).map(([app, allowed]) => ({
  name: `layer-app-${app}`,
  severity: 'error',
  comment: `apps/${app} may import ${allowed.join(', ')}, and no other app.`,
  from: { path: `^apps/${app}/` },
  to: { path: '^(libs|apps)/', pathNot: [`^apps/${app}/`, `^libs/${anyOf(allowed)}/`] },
}));

const purity = Object.entries(pure).map(([lib, allowed]) => ({
  name: `pure-${lib}`,
  severity: 'error',
  comment: `libs/${lib} is pure: no Nest, database, network, files or processes. It may use ${allowed.join(', ') || 'nothing'}.`,
  from: { path: `^libs/${lib}/src/` },
  to: {
    pathNot: [
      '^libs/',
      ...(allowed.length > 0
        ? [
            `^(node:)?${anyOf(allowed)}$`,
            `(^|/)node_modules/${anyOf(allowed.map((name) => name.replace('/', '[/]')))}/`,
          ]
        : []),
    ],
  },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layers,
    ...appLayers,
    ...purity,
    {
      name: 'index-only',
      severity: 'error',
      comment: 'A lib is imported through its src/index.ts and nothing deeper.',
      from: { path: '^(libs|apps)/([^/]+)/' },
      to: { path: '^libs/[^/]+/', pathNot: ['^libs/[^/]+/(src/index[.]ts|dist/index[.](d[.]ts|js))$', '^$1/$2/'] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that need each other are one file, or lack a third.',
      from: { path: '^(libs|apps)/' },
      to: { circular: true },
    },
    {
      name: 'no-tests-in-production',
      severity: 'error',
      comment: 'What runs at a node does not reach into test/.',
      from: { path: '^(libs|apps)/' },
      to: { path: '^test/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'An import that leads nowhere, or to a package that package.json does not name.',
      from: { path: '^(libs|apps)/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-dependency',
      severity: 'error',
      comment: 'Production code needs its packages after `npm prune --omit=dev`. The build scripts do not run there.',
      from: { path: '^(libs|apps)/[^/]+/src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'forge-in-one-file',
      severity: 'error',
      comment: 'node-forge opens PKCS#12 containers and nothing else: it knows RSA only and re-encodes certificates.',
      from: { path: '^(libs|apps)/', pathNot: '^libs/platform/src/pkcs12[.]ts$' },
      to: { path: '(^|/)node_modules/(@types/)?node-forge/' },
    },
  ],
  options: {
    tsConfig: { fileName: join(__dirname, 'tsconfig.depcruise.json') },
    tsPreCompilationDeps: true,
    // The packages stand in the root's package.json, the libs' own name none.
    combinedDependencies: true,
    doNotFollow: { path: ['(^|/)node_modules/', '^libs/[^/]+/dist/'] },
    exclude: { path: ['^(libs|apps)/[^/]+/dist/', '/generated/', '[.]spec[.]ts$'] },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'require', 'node', 'default'] },
  },
};
