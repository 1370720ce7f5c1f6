import fc from 'fast-check';
import type { FlowSpec } from '../../src/testing/arbitrary/flow.js';
import { type ArbitraryWorkflowOptions, arbitraryWorkflow } from '../../src/testing/index.js';

/** Random workflows as plain data, which is printed as JSON when a property fails and can be pasted into a test. */
export function flows(options: ArbitraryWorkflowOptions = {}): fc.Arbitrary<FlowSpec> {
  return arbitraryWorkflow(fc, options).map(({ spec }) => spec);
}
