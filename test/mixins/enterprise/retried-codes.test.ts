import { expect } from 'chai';
import type { ErrorCode } from '../../../src/base/error-catalog.js';
import { AttemptError } from '../../../src/base/errors.js';
import { defineNode } from '../../../src/base/node.js';
import type { RetryOptions } from '../../../src/base/node-options.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';

/** How often a node is tried that fails with an error of ours. */
function attempts(code: ErrorCode, retry: RetryOptions = {}): number | undefined {
  const node = defineNode({
    name: 'node',
    outputs: {},
    retry: { attempts: 2, ...retry },
    run: () => {
      throw new AttemptError(code, 'as planned');
    },
  });
  const w = workflow('w');
  w.add('node', node());
  const outcome = new LocalRuntime().settle(w.build());
  return outcome.status === 'failed' ? outcome.node('node').attempts : undefined;
}

describe('Which failures of our own are tried again', () => {
  for (const code of [
    'INPUT_INVALID',
    'INPUT_MISSING',
    'INPUT_CONFLICT',
    'OUTPUT_MISSING',
    'NOT_A_LIST',
    'SCHEMA_ASYNC',
    'SCHEMA_THREW',
    'CONTRACT_VIOLATED',
    'NODE_RETURNED_PROMISE',
    'NODE_TIMEOUT',
    'NEVER_SETTLED',
    'SECRET_UNDECLARED',
    'STATE_UNDECLARED',
    'MODULE_FAILED',
    'EXPORT_MISSING',
    'EXPORT_NOT_FUNCTION',
    'VALUE_NOT_CLONEABLE',
    'VALUE_NOT_ENCODABLE',
    'PAYLOAD_TOO_LARGE',
    'PYTHON_IMPORT_FAILED',
    'PYTHON_MODULE_MISSING',
    'TOOL_UNDECLARED',
    'TOOL_STREAMS',
    'PYTHON_ARGUMENTS',
  ] as const)
    it(`${code}: never, not even where it is named: trying again cannot change it`, () => {
      expect([attempts(code), attempts(code, { retryOn: [code] })]).to.deep.equal([1, 1]);
    });

  for (const code of [
    'OUTPUT_INVALID',
    'OUTPUT_UNKNOWN',
    'NODE_RETURNED_NOTHING',
    'STATE_INVALID',
    'EFFECT_UNKNOWN',
  ] as const)
    it(`${code}: only where it is named`, () => {
      expect([attempts(code), attempts(code, { retryOn: [Error] })]).to.deep.equal([1, 1]);
      expect(attempts(code, { retryOn: [code] })).to.equal(2);
      expect(attempts(code, { retryOn: [code], dontRetryOn: [AttemptError] })).to.equal(1);
    });

  for (const code of ['ATTEMPT_TIMEOUT', 'CHILD_FAILED', 'STRATEGY_THREW', 'WORKER_LOST'] as const)
    it(`${code}: like any other`, () => {
      expect([attempts(code), attempts(code, { retryOn: ['E_OTHER'] })]).to.deep.equal([2, 1]);
    });
});
