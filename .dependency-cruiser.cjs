/**
 * The layer law: imports point down. base < mixins < runtimes; plugins and report stand beside them on base; the testing kit and
 * the command line are on top. Type-only imports count like any other. Run by scripts/check-layers.mjs.
 */

/** The files of src/runtimes that may touch the container: where a runtime is put together. */
const COMPOSITION_ROOT = '^src/runtimes/(runtime-core|composition-root)\\.ts$';

/** What every plugin and the composition root share: host, plugin, tokens. Folders below it are single plugins. */
const PLUGIN_HOST = '^src/plugins/[^/]+\\.ts$';

/** A path pattern for third-party packages. */
const packages = (...names) => `node_modules/(${names.join('|')})/`;

/** A layer may import itself and what is named here, and nothing else: no other layer, no package, no Node module. */
const layer = (name, from, allowed) => ({
  name,
  comment: `${from} may import only ${allowed.join(', ')}`,
  severity: 'error',
  from: { path: from },
  to: { pathNot: [from, ...allowed] },
});

module.exports = {
  forbidden: [
    layer('base-is-pure', '^src/base/', [packages('eventemitter3')]),
    layer('mixins-on-base', '^src/mixins/', ['^src/base/', packages('@cfworker/json-schema')]),
    layer('page-for-browsers', '^src/report/page/', ['^src/report/', '^src/base/']),
    layer('forms-on-base', '^src/forms/', [
      '^src/base/',
      '^src/mixins/validation/json-schema\\.ts$',
      packages('yaml', '@marcbachmann/cel-js'),
    ]),
    {
      name: 'formats-in-forms-only',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/forms/'] },
      to: { path: packages('yaml', '@marcbachmann/cel-js') },
    },
    {
      name: 'forms-on-top',
      comment: 'only the command line may import the data forms: whoever does not use them does not load them',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(forms|cli)/'] },
      to: { path: '^src/forms/' },
    },
    layer('index-only-exports', '^src/index\\.ts$', ['^src/(base|mixins|runtimes|plugins)/']),
    {
      name: 'runtimes-below-top',
      comment:
        'runtimes use base, mixins and the plugin host; single plugins are bound to tokens by whoever builds a runtime',
      severity: 'error',
      from: { path: '^src/runtimes/' },
      to: { path: '^src/', pathNot: ['^src/(base|mixins|runtimes)/', PLUGIN_HOST] },
    },
    {
      name: 'plugins-beside-runtimes',
      comment: 'plugins know base and the plugin host, never a mixin or a runtime',
      severity: 'error',
      from: { path: '^src/plugins/' },
      to: { path: '^src/', pathNot: ['^src/(base|plugins)/'] },
    },
    {
      name: 'plugins-apart',
      comment: 'a plugin folder does not import another one',
      severity: 'error',
      from: { path: '^src/plugins/([^/]+)/' },
      to: { path: '^src/plugins/[^/]+/', pathNot: ['^src/plugins/$1/'] },
    },
    {
      name: 'report-on-base',
      comment: 'pictures and reports read what base defines; nothing below the command line knows them',
      severity: 'error',
      from: { path: '^src/report/' },
      to: { path: '^src/', pathNot: ['^src/(base|report)/'] },
    },
    {
      name: 'report-beside-runtimes',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(report|cli)/'] },
      to: { path: '^src/report/' },
    },
    layer('testing-on-runtimes', '^src/testing/', [
      '^src/(base|runtimes)/',
      '^src/plugins/event-store/memory-event-store\\.ts$',
      '^(node:)?util$',
      packages('fast-check'),
    ]),
    {
      name: 'fast-check-by-one-file',
      comment: 'by its types only, which a test of the packed package shows: whoever draws workflows passes the module',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/testing/arbitrary/fast-check\\.ts$'] },
      to: { path: packages('fast-check') },
    },
    {
      name: 'testing-and-cli-on-top',
      comment: 'nothing below imports the testing kit or the command line',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(testing|cli)/'] },
      to: { path: '^src/(testing|cli)/' },
    },
    {
      name: 'testing-and-cli-apart',
      severity: 'error',
      from: { path: '^src/(testing|cli)/' },
      to: { path: '^src/(testing|cli)/', pathNot: ['^src/$1/'] },
    },
    {
      name: 'command-line-parser-in-cli-only',
      comment: 'whoever embeds Lockstep does not load it',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/cli/'] },
      to: { path: packages('commander') },
    },
    {
      name: 'container-in-plugins-only',
      comment: 'tsyringe and reflect-metadata belong to the plugin host and the composition root',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/plugins/', COMPOSITION_ROOT] },
      to: { path: packages('tsyringe', 'reflect-metadata') },
    },
    {
      name: 'drivers-in-plugins-only',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/plugins/python/'] },
      to: { path: packages('@grpc/[^/]+') },
    },
    {
      name: 'optional-packages-required-late',
      comment:
        'optional peers are not there for everyone: src declares the types it needs of them and loads them when asked to',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: packages('prom-client', '@opentelemetry/[^/]+', 'better-sqlite3', 'tsx') },
    },
    { name: 'no-cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'only-from-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|examples|benchmarks|scripts)/' },
    },
    { name: 'resolvable', severity: 'error', from: { path: '^src/' }, to: { couldNotResolve: true } },
    {
      name: 'declared-dependencies',
      comment: 'what a user installs must hold every package that src imports',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
