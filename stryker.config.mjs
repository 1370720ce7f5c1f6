/**
 * How mutants are made and tried. `npm run mutate` reads this and adds the files; CONTRIBUTING.md says how to use it.
 *
 * Not mutated: `error-catalog.ts`, a table that tests compare with docs/errors.md both ways; sentences (see
 * scripts/mutation-prose.mjs); and what runs only while a module is loaded (`ignoreStatic`): a module is loaded once a
 * process, so each such mutant would cost a process of its own and the whole suite.
 */

/**
 * Parts of the names of tests that are left out: they take long and kill little, or start processes (which would run
 * without the mutant), or read the sources (which in the sandbox hold the mutants).
 */
const LEFT_OUT = [
  'The error catalogue holds every code',
  'names files that raise the code',
  'holds no code that nothing raises',
  'are built, compiled, run and reported in both runtimes',
  'in a cycle are built and run in both runtimes',
  'side by side, gathered by one',
  'that are never started because the run is cancelled are reported',
  'that all warn are reported',
  'that all fail are reported',
  'as deep as it may be can be built',
  'handles 100,000 nodes',
  'takes linear time',
  'memory after many monitored runs',
];

// biome-ignore lint/style/noDefaultExport: Stryker reads the default export.
export default {
  mutate: ['src/base/**/*.ts', 'src/mixins/**/*.ts', '!src/base/*error-catalog.ts'],
  plugins: ['@stryker-mutator/mocha-runner', './scripts/mutation-prose.mjs', './scripts/mutation-sample.mjs'],
  ignorers: ['prose'],
  ignoreStatic: true,

  // The sandbox lies inside the project, so that packages are found there without a link.
  tempDirName: '.stryker-tmp',
  symlinkNodeModules: false,
  ignorePatterns: [
    '/node_modules',
    '/.cache',
    '/python',
    '/build/*',
    '!/build/test',
    '/dist',
    '/coverage',
    '/reports',
    '/examples',
    '/benchmarks',
    '/etc',
  ],

  // TypeScript 7 has no JavaScript API with which Stryker could rewrite a tsconfig; the one in the sandbox fits as it is.
  tsconfigFile: 'none',
  buildCommand: 'tsc -p tsconfig.json',

  testRunner: 'mocha',
  coverageAnalysis: 'perTest',
  mochaOptions: {
    // Fast and specific tests first; scripts/mutation-hooks.mjs then moves those that kill to the front. The property tests
    // are left out: with 15 examples each they took as long as all others and killed nothing that those let live.
    spec: [
      'build/test/unit/base/**/*.test.js',
      'build/test/unit/mixins/**/*.test.js',
      'build/test/mixins/**/*.test.js',
      'build/test/unit/hostile-nodes.test.js',
      'build/test/unit/plugins/*.test.js',
      'build/test/unit/runtimes/*.test.js',
      'build/test/parity/*.test.js',
      'build/test/durable/*.test.js',
    ],
    ignore: ['**/never-settled.test.js', '**/system-clock.test.js', '**/node-ports.test.js'],
    require: ['./scripts/mutation-hooks.mjs'],
    grep: `^(?!.*(${LEFT_OUT.join('|')}))`,
  },

  // How many mutants are tried at a time.
  concurrency: Number(process.env.LOCKSTEP_PROCESSES ?? 2),
  // A mutant that never ends costs this, plus a new process; scripts/mutation-hooks.mjs limits each test besides.
  timeoutMS: 2_500,
  timeoutFactor: 1.5,
  incremental: true,
  incrementalFile: 'reports/mutation-incremental.json',
  reporters: ['progress-append-only', 'json', 'html'],
  jsonReporter: { fileName: 'reports/mutation.json' },
  htmlReporter: { fileName: 'reports/mutation.html' },
  thresholds: { high: 95, low: 85, break: null },
};
