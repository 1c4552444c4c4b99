// One transform for all suites: swc compiles our TypeScript and the few ESM-only dependencies to CommonJS.
const swc = (syntax) => [
  '@swc/jest',
  {
    jsc: {
      parser: { syntax, decorators: syntax === 'typescript' },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
      keepClassNames: true,
    },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  },
];
const esmOnly = [
  '@nestjs',
  'file-type',
  'strtok3',
  'token-types',
  'uint8array-extras',
  '@tokenizer',
  '@borewit',
  'content-disposition',
  '@marcbachmann',
];
const base = {
  rootDir: __dirname,
  testEnvironment: 'node',
  moduleNameMapper: {
    '^@jieqiao/(core|recognition|platform|audit|access|delivery|exchange)$': '<rootDir>/libs/$1/src',
  },
  transform: { '^.+\\.ts$': swc('typescript'), 'node_modules/.+\\.m?js$': swc('ecmascript') },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`, '<rootDir>/(libs|apps)/[^/]+/dist/'],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/.data', '<rootDir>/.cache'],
};
const suite = (displayName, testMatch) => ({ ...base, displayName, testMatch });
const onDatabases = (displayName, testMatch) => ({
  ...suite(displayName, testMatch),
  globalSetup: '<rootDir>/test/support/global-setup.cjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.cjs',
});
module.exports = {
  workerIdleMemoryLimit: '700MB',
  projects: [
    suite('unit', ['<rootDir>/{libs,apps}/*/src/**/*.spec.ts']),
    suite('architecture', ['<rootDir>/test/architecture/**/*.spec.ts']),
    onDatabases('integration', ['<rootDir>/test/integration/**/*.spec.ts']),
    onDatabases('e2e', ['<rootDir>/test/e2e/**/*.spec.ts']),
    onDatabases('faults', ['<rootDir>/test/faults/**/*.spec.ts']),
  ],
};
