import { expect } from 'chai';
import { z } from 'zod';
import type { ValidationLevel } from '../../../src/base/capability-options.js';
import { CapabilityTable } from '../../../src/base/capability-table.js';
import { compile } from '../../../src/base/compile.js';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities, UseOptions } from '../../../src/base/node-options.js';
import type { PlanNode } from '../../../src/base/plan.js';
import type { CapabilityDefaults, RuntimeOptions } from '../../../src/base/runtime-options.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { refusal } from '../../support/caught.js';
import { everyWay } from '../../support/every-way.js';
import { fetching, single, tell, withSession } from '../../support/governed.js';

/** The plan of one node of an executor `function.fetch`. */
function planned(own: NodeCapabilities = {}, use: UseOptions = {}): PlanNode {
  const w = workflow('w');
  w.try('step', fetching(own).node({ how: 'ok' }), use);
  return compile(w.build()).nodes[0] as PlanNode;
}

const EXECUTOR = 'function.fetch';

/** Three values of each capability, told apart by what they hold. */
const values = {
  retry: [{ attempts: 2 }, { attempts: 3 }, { attempts: 4 }],
  limit: [{ maxConcurrency: 2 }, { maxConcurrency: 3 }, { maxConcurrency: 4 }],
  breaker: [{ failures: 2 }, { failures: 3 }, { failures: 4 }],
  validation: ['strict', 'warn', 'off'],
  metrics: [true, false, true],
} as const;

describe('what holds for a node', () => {
  for (const [name, [ofNode, ofExecutor, ofAll]] of Object.entries(values)) {
    it(`${name}: that of the node, then that of its executor, then that of the runtime, then none`, () => {
      const given = (value: unknown): CapabilityDefaults => ({ [name]: value });
      const found = (table: CapabilityTable, own: NodeCapabilities = {}, use: UseOptions = {}) =>
        table.of(planned(own, use))[name as keyof CapabilityDefaults];
      const all = new CapabilityTable(given(ofAll), { [EXECUTOR]: given(ofExecutor) });
      expect(found(all, {}, given(ofNode))).to.deep.equal(ofNode);
      expect(found(all, given(ofNode))).to.deep.equal(ofNode);
      expect(found(all, given(ofAll), given(ofNode)), 'the use before the definition').to.deep.equal(ofNode);
      expect(found(all)).to.deep.equal(ofExecutor);
      expect(found(new CapabilityTable(given(ofAll), { 'function.other': given(ofExecutor) }))).to.deep.equal(ofAll);
      expect(found(new CapabilityTable({}, {}))).to.equal(undefined);
    });
  }

  it('is looked for one capability at a time', () => {
    const table = new CapabilityTable(
      { retry: { attempts: 9 }, breaker: { failures: 9 }, metrics: false },
      { [EXECUTOR]: { breaker: { failures: 3 }, metrics: true } },
    );
    expect(table.of(planned({ retry: { attempts: 2 } }, { limit: { maxConcurrency: 1 } }))).to.deep.equal({
      retry: { attempts: 2 },
      limit: { maxConcurrency: 1 },
      breaker: { failures: 3 },
      metrics: true,
      executor: EXECUTOR,
      own: { limit: true, breaker: false },
    });
    expect(table.of(planned({ cache: { ttlMs: 3 } })).cache).to.deep.equal({ ttlMs: 3 });
  });

  it('counts for the executor where a definition says it, for the node alone where it is used', () => {
    const table = new CapabilityTable({ breaker: {} }, {});
    const own = (definition: NodeCapabilities, use: UseOptions = {}) => table.of(planned(definition, use)).own;
    expect(own({})).to.deep.equal({ limit: false, breaker: false });
    expect(own({ limit: { maxConcurrency: 1 }, breaker: { failures: 1 } })).to.deep.equal({
      limit: false,
      breaker: false,
    });
    expect(own({ limit: { maxConcurrency: 1 } }, { limit: { maxConcurrency: 2 } })).to.include({ limit: true });
    expect(own({ breaker: { failures: 1 } }, { breaker: {} })).to.include({ breaker: true });
  });

  it('counts for each function by itself that is written into a workflow, unless their executor is named', () => {
    const w = workflow('w');
    w.fn('inline', {}, () => 1);
    const [node] = compile(w.build()).nodes;
    const own = (table: CapabilityTable) => table.of(node as PlanNode).own;
    expect(own(new CapabilityTable({ breaker: {}, limit: { maxConcurrency: 1 } }, {}))).to.deep.equal({
      limit: true,
      breaker: true,
    });
    expect(own(new CapabilityTable({ breaker: {} }, { 'function.lockstep.fn': { breaker: {} } }))).to.deep.equal({
      limit: false,
      breaker: false,
    });
  });

  it('is worked out once, and anew after it was given something else', () => {
    const table = new CapabilityTable({}, {});
    const node = planned();
    expect(table.of(node)).to.equal(table.of(node));
    expect(table.of(node).retry).to.equal(undefined);
    table.set({ retry: { attempts: 5 }, breaker: {} });
    expect(table.of(node)).to.deep.include({ retry: { attempts: 5 }, breaker: {} });
    table.set({ retry: { attempts: 6 } });
    table.set({ metrics: false }, EXECUTOR);
    table.set({ breaker: { failures: 1 } }, EXECUTOR);
    expect(table.of(node)).to.deep.include({ retry: { attempts: 6 }, breaker: { failures: 1 }, metrics: false });
    table.set({ breaker: { failures: 2 } }, 'function.other');
    expect(table.of(node).breaker).to.deep.equal({ failures: 1 });
  });

  it('holds for maps, subworkflows, gates and switches only where they say it themselves', () => {
    const table = new CapabilityTable({ retry: { attempts: 5 }, metrics: false, validation: 'off' }, {});
    const inner = workflow('inner');
    inner.fn('deep', {}, () => 1);
    const w = workflow('w');
    w.add('sub', inner.build()({}));
    w.gate('gate', { shows: {} });
    const list = w.fn('list', {}, () => ['ok']);
    w.map('all', list.out.value, (how) => fetching().node({ how }), { retry: { attempts: 2 } });
    const { nodes } = compile(w.build());
    for (const node of nodes.filter(({ id }) => id !== 'list' && id !== 'all'))
      expect(table.of(node), node.id).to.deep.equal({ executor: undefined, own: { limit: false, breaker: false } });
    const all = nodes.find(({ id }) => id === 'all') as PlanNode;
    expect(table.of(all)).to.deep.include({ retry: { attempts: 2 }, executor: undefined });
  });
});

describe('the capability validation', () => {
  const flow = (uses: Readonly<Record<string, UseOptions>>, definition: NodeCapabilities = {}) => {
    const takes = defineNode({
      name: 'takes',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      ...definition,
      run: ({ n }) => ({ n }),
    });
    const w = workflow('w');
    const given = w.fn('given', {}, () => -1);
    for (const [id, use] of Object.entries(uses)) {
      const node = w.try(id, takes({ n: given.out.value }), use);
      w.contract(node.in.n, { schema: z.number().positive() });
    }
    return w.build();
  };
  const outcomes: readonly (readonly [
    string,
    RuntimeOptions,
    NodeCapabilities,
    Readonly<Record<string, UseOptions>>,
  ])[] = [
    ['of one node', {}, {}, { strict: { validation: 'strict' }, warn: {}, off: { validation: 'off' } }],
    [
      'of one node, where the runtime checks nothing',
      { validation: 'off' },
      {},
      { strict: { validation: 'strict' }, warn: { validation: 'warn' }, off: {} },
    ],
    [
      'of an executor, before that of the runtime',
      { validation: 'off', executors: { 'function.takes': { validation: 'strict' } } },
      {},
      { strict: {}, warn: { validation: 'warn' }, off: { validation: 'off' } },
    ],
    [
      'of a definition, before that of its executor',
      { executors: { 'function.takes': { validation: 'off' } } },
      { validation: 'strict' },
      { strict: {}, warn: { validation: 'warn' }, off: { validation: 'off' } },
    ],
  ];
  for (const [name, options, definition, uses] of outcomes) {
    it(
      `decides what a broken contract means: ${name}`,
      everyWay(async (run) => {
        const result = await run.complete(flow(uses, definition), {
          runtime: options as Omit<RuntimeOptions, 'secrets'>,
        });
        const levels = Object.keys(uses) as ValidationLevel[];
        expect(levels.map((id) => result.node(id).error?.code)).to.deep.equal([
          'CONTRACT_VIOLATED',
          undefined,
          undefined,
        ]);
        expect(result.warnings.map(({ code, at }) => `${code} ${at}`)).to.deep.equal(['contract warn.n']);
      }),
    );
  }

  it(
    'never retries a contract that was broken, and never asks a breaker for it',
    everyWay((run) =>
      withSession(run, { capabilities: { retry: { attempts: 3 }, breaker: { failures: 1 } } }, async (session) => {
        const outcome = await session.settle(flow({ strict: { validation: 'strict' } }));
        if (outcome.status !== 'completed') throw new Error(outcome.status);
        expect(outcome.node('strict').attempts).to.equal(1);
        const takes = session.runtime.getCircuitBreakers().get('function.takes');
        expect(takes).to.include({ state: 'closed', failures: 0 });
      }),
    ),
  );
});

describe('capabilities that cannot be', () => {
  const wrong: readonly (readonly [object, string, string])[] = [
    [{ retry: { attempts: -1 } }, 'INVALID_OPTION', '.retry.attempts'],
    [{ retry: null }, 'INVALID_OPTION', '.retry'],
    [{ retry: [] }, 'INVALID_OPTION', '.retry'],
    [{ retry: { backoff: { strategy: '' } } }, 'INVALID_OPTION', '.retry.backoff.strategy'],
    [{ breaker: { openMs: Number.NaN } }, 'INVALID_OPTION', '.breaker.openMs'],
    [{ breaker: { failures: 1, rate: 1 } }, 'INVALID_OPTION', '.breaker.rate'],
    [{ breaker: true }, 'INVALID_OPTION', '.breaker'],
    [{ breaker: null }, 'INVALID_OPTION', '.breaker'],
    [{ cache: true }, 'INVALID_OPTION', '.cache'],
    [{ cache: { ttlMs: Number.POSITIVE_INFINITY } }, 'INVALID_OPTION', '.cache.ttlMs'],
    [{ limit: {} }, 'INVALID_OPTION', '.limit'],
    [{ limit: { maxConcurrency: -1 } }, 'INVALID_OPTION', '.limit.maxConcurrency'],
    [{ metrics: 'no' }, 'INVALID_OPTION', '.metrics'],
  ];
  for (const [capabilities, code, place] of wrong) {
    it(`${JSON.stringify(capabilities)} is refused wherever it stands`, () => {
      const told = (call: () => unknown): unknown => {
        const { code: found, at } = refusal(call);
        return [found, at];
      };
      expect(told(() => fetching(capabilities))).to.deep.equal([code, `node "fetch"${place}`]);
      expect(told(() => single(fetching(), capabilities))).to.deep.equal([code, `node "step"${place}`]);
      if ('cache' in capabilities) return; // no default
      expect(told(() => new LocalRuntime({ capabilities }))).to.deep.equal([code, `runtime.capabilities${place}`]);
      expect(told(() => new LocalRuntime({ executors: { [EXECUTOR]: capabilities } }))).to.deep.equal([
        code,
        `runtime.executors["${EXECUTOR}"]${place}`,
      ]);
    });
  }

  it('are refused as defaults where only nodes have them, or where nobody is named', () => {
    for (const capabilities of [{ timeoutMs: 5 }, { cache: {} }, { validation: 'strict' }, { retries: 1 }])
      expect(refusal(() => new LocalRuntime({ capabilities } as never)).code).to.equal('UNKNOWN_OPTION');
    expect(refusal(() => new LocalRuntime({ executors: { [EXECUTOR]: { timeoutMs: 5 } } } as never)).code).to.equal(
      'UNKNOWN_OPTION',
    );
    for (const key of ['', 'fetch', '.fetch', 'function.'])
      expect(refusal(() => new LocalRuntime({ executors: { [key]: {} } }))).to.include({
        code: 'INVALID_OPTION',
        at: `runtime.executors["${key}"]`,
      });
    for (const executors of [null, [], 5])
      expect(refusal(() => new LocalRuntime({ executors } as never)).at).to.equal('runtime.executors');
  });

  it('are refused for what calls no function', () => {
    const inner = workflow('inner');
    inner.fn('deep', {}, () => 1);
    const child = inner.build();
    for (const name of ['limit', 'breaker', 'cache'] as const) {
      const w = workflow('w');
      const use = { [name]: name === 'limit' ? { maxConcurrency: 1 } : {} } as UseOptions;
      const refused = refusal(() => w.add('sub', child({}), use));
      expect([refused.code, refused.at]).to.deep.equal(['INVALID_OPTION', `node "sub".${name}`]);
      expect(refused.message).to.contain('does not go with a subworkflow: it is for nodes that call a function');
    }
  });

  it(
    'are copied: what is done to the options later changes nothing',
    everyWay((run) => {
      const capabilities = { breaker: { failures: 1 }, retry: { attempts: 1, retryOn: ['E_1'] } };
      const executors = { [EXECUTOR]: { retry: { attempts: 2 } } };
      return withSession(run, { capabilities, executors }, async (session) => {
        capabilities.breaker.failures = 9;
        executors[EXECUTOR].retry.attempts = 9;
        const fetch = fetching();
        expect(await tell(session, single(fetch), 'fail')).to.deep.equal(['BREAKER_OPEN']);
        expect(fetch.calls).to.have.length(1);
        expect(session.runtime.options.capabilities).to.deep.equal({
          breaker: { failures: 1 },
          retry: { attempts: 1, retryOn: ['E_1'] },
        });
        expect(Object.isFrozen(session.runtime.options.capabilities.retry?.retryOn)).to.equal(true);
      });
    }),
  );
});
