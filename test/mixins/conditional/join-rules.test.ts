import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import type { NotRunReason } from '../../../src/base/reason.js';
import type { Ref } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { type WorkflowBuilder, workflow } from '../../../src/base/workflow-builder.js';
import type { JoinRule } from '../../../src/base/workflow-data.js';
import { codeThrownBy, everyWay, reasonOf } from '../../support/every-way.js';

const optional = defineNode({
  name: 'optional',
  inputs: { a: z.string().optional(), b: z.string().optional() },
  outputs: { got: type<string>() },
  run: ({ a, b }) => ({ got: `${a ?? '-'}${b ?? '-'}` }),
});

const needed = defineNode({
  name: 'needed',
  inputs: { a: z.string(), b: z.string() },
  outputs: { got: type<string>() },
  run: ({ a, b }) => ({ got: `${a}${b}` }),
});

type State = 'live' | 'dead' | 'blocked';

/** A source in the wanted state, and what it is made of: `liveA`, or a switch `routeA` that took another case, or a node `badA` that throws. */
function source(w: WorkflowBuilder<Record<never, never>>, state: State, name: string): Ref<string> {
  if (state === 'live') return w.fn(`live${name}`, {}, () => name).out.value;
  if (state === 'blocked') {
    return w.fn(`bad${name}`, {}, (): string => {
      throw new Error(`bad ${name}`);
    }).out.value;
  }
  const text = w.fn(`text${name}`, {}, () => name);
  const route = w.switch(`route${name}`, text.out.value, { off: (value) => value === 'nothing', on: otherwise });
  return route.out.off as unknown as Ref<string>;
}

const notTaken = (input: 'a' | 'b'): NotRunReason => {
  const owner = `route${input.toUpperCase()}`;
  return {
    code: 'branch_not_taken',
    input: `t.${input}`,
    source: `${owner}.off`,
    root: { subject: owner, port: 'off', code: 'branch_not_taken' },
  };
};

const failed = (input: 'a' | 'b'): NotRunReason => {
  const owner = `bad${input.toUpperCase()}`;
  return {
    code: 'upstream_failed',
    input: `t.${input}`,
    source: `${owner}.value`,
    root: { subject: owner, port: null, code: 'upstream_failed' },
  };
};

type Expected = { readonly got: string } | { readonly skipped: 'a' | 'b' } | { readonly blocked: 'a' | 'b' };

const table: readonly {
  readonly rule: JoinRule;
  readonly ports: 'optional' | 'needed';
  readonly rows: Readonly<Record<string, Expected>>;
}[] = [
  {
    rule: 'required',
    ports: 'needed',
    rows: {
      'live live': { got: 'AB' },
      'live dead': { skipped: 'b' },
      'live blocked': { blocked: 'b' },
      'dead live': { skipped: 'a' },
      'dead dead': { skipped: 'a' },
      'dead blocked': { blocked: 'b' },
      'blocked live': { blocked: 'a' },
      'blocked dead': { blocked: 'a' },
      'blocked blocked': { blocked: 'a' },
    },
  },
  {
    rule: 'required',
    ports: 'optional',
    rows: {
      'live live': { got: 'AB' },
      'live dead': { got: 'A-' },
      'live blocked': { blocked: 'b' },
      'dead live': { got: '-B' },
      'dead dead': { skipped: 'a' },
      'dead blocked': { blocked: 'b' },
      'blocked live': { blocked: 'a' },
      'blocked dead': { blocked: 'a' },
      'blocked blocked': { blocked: 'a' },
    },
  },
  {
    rule: 'all',
    ports: 'optional',
    rows: {
      'live live': { got: 'AB' },
      'live dead': { skipped: 'b' },
      'live blocked': { blocked: 'b' },
      'dead live': { skipped: 'a' },
      'dead dead': { skipped: 'a' },
      'dead blocked': { blocked: 'b' },
      'blocked live': { blocked: 'a' },
      'blocked dead': { blocked: 'a' },
      'blocked blocked': { blocked: 'a' },
    },
  },
  {
    rule: 'any',
    ports: 'optional',
    rows: {
      'live live': { got: 'AB' },
      'live dead': { got: 'A-' },
      'live blocked': { got: 'A-' },
      'dead live': { got: '-B' },
      'dead dead': { skipped: 'a' },
      'dead blocked': { blocked: 'b' },
      'blocked live': { got: '-B' },
      'blocked dead': { blocked: 'a' },
      'blocked blocked': { blocked: 'a' },
    },
  },
  {
    rule: 'always',
    ports: 'optional',
    rows: {
      'live live': { got: 'AB' },
      'live dead': { got: 'A-' },
      'live blocked': { got: 'A-' },
      'dead live': { got: '-B' },
      'dead dead': { got: '--' },
      'dead blocked': { got: '--' },
      'blocked live': { got: '-B' },
      'blocked dead': { got: '--' },
      'blocked blocked': { got: '--' },
    },
  },
];

describe('join rules', () => {
  for (const { rule, ports, rows } of table) {
    describe(`${rule}, ${ports} inputs`, () => {
      for (const [states, expected] of Object.entries(rows)) {
        it(
          `${states}: ${JSON.stringify(expected)}`,
          everyWay(async (run) => {
            const [left, right] = states.split(' ') as [State, State];
            const w = workflow('rules');
            const a = source(w, left, 'A');
            const b = source(w, right, 'B');
            w.add('t', (ports === 'optional' ? optional : needed)({ a, b }), { join: rule as 'required' });
            const outcome = await run.settle(w.build());
            if (outcome.status === 'rejected') throw outcome.error;
            expect(outcome.status).to.equal(states.includes('blocked') ? 'failed' : 'completed');
            const node = outcome.node('t');
            if ('got' in expected) {
              expect(node.status).to.equal('completed');
              expect(outcome.results.get('t')).to.deep.equal({ got: expected.got });
              expect(node.reason).to.equal(undefined);
            } else if ('skipped' in expected) {
              expect(node.status).to.equal('skipped');
              expect(node.reason).to.deep.equal(notTaken(expected.skipped));
              expect(node.attempts).to.equal(0);
            } else {
              expect(node.status).to.equal('blocked');
              expect(node.reason).to.deep.equal(failed(expected.blocked));
              expect(node.attempts).to.equal(0);
            }
          }),
        );
      }
    });
  }

  it(
    'a required input that is configured as well still skips when its sole connection is dead',
    everyWay(async (run) => {
      const configured = defineNode({
        name: 'configured',
        inputs: { a: type<string>() },
        outputs: { got: type<string>() },
        run: ({ a }) => ({ got: a }),
      });
      const w = workflow('configured');
      const t = w.node('t', configured, { a: 'config' });
      source(w, 'dead', 'A');
      w.connect('routeA.off', 't.a');
      const result = await run.complete(w.build({ outputs: { got: t.out.got } }));
      expect(result.output).to.deep.equal({});
      expect(reasonOf(result, 't')).to.deep.equal(notTaken('a'));
    }),
  );

  it(
    'an optional input whose connection is dead falls to its configuration while another is live',
    everyWay(async (run) => {
      const w = workflow('weaker');
      const t = w.node('t', optional, { a: 'config' });
      source(w, 'dead', 'A');
      source(w, 'live', 'B');
      w.connect('routeA.off', 't.a').connect('liveB.value', 't.b');
      const result = await run.complete(w.build({ outputs: { got: t.out.got } }));
      expect(result.output).to.deep.equal({ got: 'configB' });
    }),
  );

  it(
    'a node without connections runs under every rule',
    everyWay(async (run) => {
      const w = workflow('lone');
      for (const join of ['required', 'all', 'any', 'always'] as const)
        w.add(join, optional({ a: 'x' }), { join: join as 'any' });
      const result = await run.complete(w.build());
      expect([...result.results]).to.deep.equal([
        ['required', { got: 'x-' }],
        ['all', { got: 'x-' }],
        ['any', { got: 'x-' }],
        ['always', { got: 'x-' }],
      ]);
    }),
  );

  it(
    'any waits for all of its sources before it runs',
    everyWay(async (run) => {
      const order: string[] = [];
      const w = workflow('waits');
      const a = w.fn('a', {}, () => {
        order.push('a');
        return 'A';
      });
      const slow = w.fn('slow', { a: a.out.value }, () => {
        order.push('slow');
        return 'B';
      });
      const t = w.add('t', optional({ a: a.out.value, b: slow.out.value }), { join: 'any' });
      const result = await run.complete(w.build({ outputs: { got: t.out.got } }));
      expect(result.output).to.deep.equal({ got: 'AB' });
      expect(order).to.deep.equal(['a', 'slow']);
    }),
  );

  it('any or always refuses a required input behind a branch when the workflow is built', () => {
    for (const join of ['any', 'always'] as const) {
      const w = workflow('refused');
      const a = source(w, 'dead', 'A');
      const b = source(w, 'live', 'B');
      w.add('t', needed({ a, b }), { join: join as 'any' });
      expect(
        codeThrownBy(() => w.build()),
        join,
      ).to.equal('JOIN_NEEDS_OPTIONAL');
    }
  });
});
