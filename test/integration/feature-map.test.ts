import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** Every method that the plan of the six mixins names, by the heading under which the page lists it. */
const plan: Readonly<Record<string, readonly string[]>> = {
  Validation: [
    'validateWorkflow',
    'validateConnectionContracts',
    'generateEnhancedValidationError',
    'buildConnectionContext',
    'getValidationMetrics',
    'resetValidationMetrics',
    'checkWorkflowAccess',
    'shouldStopOnError',
  ],
  Parameters: [
    'processWorkflowParameters',
    'separateParameterFormats',
    'isNodeSpecificFormat',
    'serializeUserContext',
    'extractSecretRequirements',
  ],
  'Conditional execution': [
    'hasConditionalPatterns',
    'shouldSkipConditionalNode',
    'validateConditionalExecutionPrerequisites',
    'validateSwitchResults',
    'validateConditionalExecutionResults',
    'trackConditionalExecutionPerformance',
    'logConditionalExecutionFailure',
  ],
  Cycles: [
    'workflowHasCycles',
    'validateCycleConfiguration',
    'checkCycleConvergence',
    'trackCycleIteration',
    'logCycleDiagnostics',
  ],
  Enterprise: [
    'initializeCircuitBreaker',
    'initializeRetryPolicies',
    'initializeResourceCoordinator',
    'initializeHealthMonitor',
    'getResourceMetrics',
    'getExecutionMetrics',
    'getHealthStatus',
    'getHealthDiagnostics',
    'optimizeRuntimePerformance',
    'getPerformanceReport',
    'getRetryPolicyEngine',
    'getRetryAnalytics',
    'registerRetryStrategy',
    'addRetriableException',
    'resetRetryMetrics',
  ],
  Analytics: [
    'getExecutionAnalytics',
    'recordExecutionPerformance',
    'clearAnalyticsData',
    'getExecutionPlanCached',
    'createExecutionPlanCacheKey',
    'recordExecutionMetrics',
    'getPerformanceReport',
    'setPerformanceMonitoring',
    'getExecutionPathDebugInfo',
    'getRuntimeMetrics',
    'trackNodeExecution',
    'computeExecutionStatistics',
  ],
};

/** Names of the plan that stand for variants of a rule, or for a second way of running, neither of which exists. */
const absent = [
  'trackFallbackUsage',
  'executeConditionalApproach',
  'executeConditionalImpl',
  'executeCyclicWorkflow',
  'executeCyclicImpl',
  'executeAsync',
  'executeImpl',
  'executeImplAsync',
  'prepareInputs',
  'prepareInputsAsync',
];

/** The cells of every table row of a section, without its heading. */
function rowsOf(section: string): readonly (readonly string[])[] {
  const text =
    read('docs/feature-map.md')
      .split(/^## /m)
      .find((part) => part.startsWith(`${section}\n`)) ?? '';
  const lines = text.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) =>
    line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim()),
  );
}

const bare = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '');

function holds(path: string, name: string): boolean {
  return existsSync(join(repository, path)) && new RegExp(`\\b${name}\\b`).test(read(path));
}

/** Every source of the package in one text. */
const sources = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => read(`src/${name}`))
  .join('\n');

describe('docs/feature-map.md', () => {
  for (const [section, names] of Object.entries(plan)) {
    it(`lists every method of the plan under ${section}`, () => {
      expect(rowsOf(section).map(([name]) => bare(name))).to.deep.equal(names);
    });

    it(`points to files that hold the names under ${section}, or says which issue builds them`, () => {
      for (const [name, source, test] of rowsOf(section)) {
        if (/^planned: \d+$/.test(source ?? '')) {
          expect(test, name).to.equal(source);
          expect(sources, `${name} is planned`).to.not.match(new RegExp(`\\b${bare(name)}\\b`));
          continue;
        }
        expect(bare(source), name).to.match(/^src\/.*\.ts$/);
        expect(bare(test), name).to.match(/^test\/.*\.test\.ts$/);
        expect(holds(bare(source), bare(name)), `${name} in ${source}`).to.equal(true);
        expect(holds(bare(test), bare(name)), `${name} in ${test}`).to.equal(true);
      }
    });
  }

  it('points to files that hold what goes beyond the plan', () => {
    expect(rowsOf('Beyond the plan')).to.have.length.greaterThan(20);
    const rows = ['Beyond the plan', 'Durable runs', 'Python workers'].flatMap(rowsOf);
    for (const [name, source, test] of rows) {
      expect(holds(bare(source), bare(name)), `${name} in ${source}`).to.equal(true);
      expect(holds(bare(test), bare(name)), `${name} in ${test}`).to.equal(true);
    }
  });

  it('lists what does not exist, each with a reason', () => {
    const rows = rowsOf('Does not exist here');
    expect(rows.map(([name]) => bare(name))).to.deep.equal(absent);
    for (const [name, reason] of rows) {
      expect(reason, name).to.match(/\.$/);
      expect(sources, name).to.not.match(new RegExp(`\\b${bare(name)}\\b`));
    }
  });

  it('maps the conditional modes of the plan to the option that replaces them', () => {
    const rows = rowsOf('Modes of conditional execution');
    expect(rows.map(([mode]) => bare(mode))).to.deep.equal(['skip_branches', 'route_data']);
    for (const [mode, option, source, test] of rows) {
      const value = /`skippedInResults: '(omit|empty)'`/.exec(option ?? '')?.[1];
      expect(value, mode).to.be.a('string');
      expect(holds(bare(source), `${value}`), `${mode} in ${source}`).to.equal(true);
      expect(holds(bare(test), 'skippedInResults'), `${mode} in ${test}`).to.equal(true);
    }
  });
});
