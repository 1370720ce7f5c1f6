import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import type { NodeContext } from '../../../src/base/node-context.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';

/** Runs a node with its context, alone or inside a subworkflow. */
function within(run: (context: NodeContext) => unknown, depth: 'top' | 'inside' = 'top') {
  const node = defineNode({
    name: 'node',
    outputs: { v: type<unknown>() },
    run: (_, context) => ({ v: run(context) }),
  });
  const build = () => {
    const w = workflow('w');
    w.add('a', node());
    return w.build();
  };
  const outer = workflow('outer');
  outer.add('sub', build()());
  return new LocalRuntime().settle(depth === 'top' ? build() : outer.build(), {}, { runId: 'r' });
}

describe('What a node may not ask its context', () => {
  const refusalOf = (run: (context: NodeContext) => unknown): unknown => {
    const outcome = within(run);
    return outcome.status === 'failed' ? outcome.error.cause : outcome.status;
  };

  it('is to keep a state that it does not declare: the error names the node and holds the value', () => {
    const error = refusalOf(({ setState }) => setState(7));
    expect(error).to.include({ code: 'STATE_UNDECLARED', at: 'a', value: 7 });
    expect((error as Error).message).to.match(/^Node "a" called setState\(\) and declares no state\. /);
  });

  it('is a secret that it does not declare, whatever it asks for', () => {
    const odd = Symbol('odd');
    for (const [name, text] of [
      ['TOKEN', 'TOKEN'],
      [odd, 'Symbol(odd)'],
      [undefined, 'undefined'],
    ] as const) {
      const error = refusalOf(({ secret }) => secret(name as string));
      expect(error).to.include({ code: 'SECRET_UNDECLARED', at: 'a', value: name });
      expect((error as Error).message).to.contain(`"${text}"`);
    }
  });
});

describe('The place of a node', () => {
  it('is its scope and id; the key of its work holds both, with run and visit', () => {
    const seen: unknown[] = [];
    const note = ({ scope, nodeId, idempotencyKey, iteration, iterations, maxIterations }: NodeContext): void => {
      seen.push([scope, nodeId, idempotencyKey, iteration, iterations, maxIterations]);
    };
    within(note);
    within(note, 'inside');
    expect(seen).to.deep.equal([
      ['', 'a', 'r/a/1', 0, [], undefined],
      ['sub/', 'a', 'r/sub/a/1', 0, [], undefined],
    ]);
  });
});
