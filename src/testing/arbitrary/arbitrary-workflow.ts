import { ConfigurationError } from '../../base/errors.js';
import { checkCount, knownFields } from '../../base/option-checks.js';
import { withoutAmbiguity } from './build-flow.js';
import { FlowDraws, type FlowFeatures } from './draw-flow.js';
import type { Arbitrary, FastCheck } from './fast-check.js';
import { GeneratedWorkflow } from './generated-workflow.js';
import { resolveFlow } from './resolve-flow.js';

/** What may occur in the workflows that `arbitraryWorkflow` draws. */
export interface ArbitraryWorkflowOptions extends Partial<FlowFeatures> {
  /** Functions of nodes may be asynchronous. `assertParity` runs such a workflow without stubs. Default false. */
  readonly async?: boolean;
}

const DEFAULTS: Required<ArbitraryWorkflowOptions> = {
  size: 10,
  switches: true,
  cycles: true,
  children: true,
  gates: true,
  failures: true,
  retries: true,
  delays: true,
  durations: false,
  async: false,
};

const FUNCTIONS = [
  'nat',
  'integer',
  'boolean',
  'constant',
  'constantFrom',
  'array',
  'tuple',
  'record',
  'oneof',
] as const;

function checkModule(module: Partial<FastCheck> | undefined): void {
  if (typeof module === 'object' && module !== null && FUNCTIONS.every((name) => typeof module[name] === 'function'))
    return;
  const what = 'arbitraryWorkflow() takes the module fast-check first: import fc from "fast-check".';
  throw new ConfigurationError('INVALID_OPTION', what, { at: 'arbitraryWorkflow', value: module });
}

function checked(options: ArbitraryWorkflowOptions): Required<ArbitraryWorkflowOptions> {
  const at = 'the options of arbitraryWorkflow';
  knownFields(options, Object.keys(DEFAULTS), at);
  checkCount(options.size, 1, `${at}: size`);
  const { size = DEFAULTS.size, ...words } = options;
  for (const [name, value] of Object.entries(words)) {
    if (value === undefined || typeof value === 'boolean') continue;
    throw new ConfigurationError('INVALID_OPTION', `${at}: ${name} must be true or false.`, { at: name, value });
  }
  const given = Object.entries(words).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(given), size };
}

/**
 * Random workflows for properties of fast-check: chains and fans, joins, switches, cycles in cycles, maps and subworkflows in each
 * other, gates, failures, retries. Every one of them can be built; its nodes are pure functions of their inputs, their visit and
 * their state, so that it does the same whenever it is run. A counterexample shrinks to few nodes, and prints as a description.
 *
 * @param module the module fast-check, which this package does not import: `import fc from 'fast-check'`, version 4
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION
 */
export function arbitraryWorkflow(
  module: FastCheck,
  options: ArbitraryWorkflowOptions = {},
): Arbitrary<GeneratedWorkflow> {
  checkModule(module);
  const { async, ...features } = checked(options);
  const { failures } = features;
  return new FlowDraws(module, features)
    .flow()
    .map(
      (drawn) => new GeneratedWorkflow(withoutAmbiguity(resolveFlow(drawn, { failures })), async ? 'async' : 'sync'),
    );
}
