import { expect } from 'chai';
import type { LimitOptions } from '../../../src/base/capability-options.js';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { caught, refusal } from '../../support/caught.js';

const RUNTIMES = [LocalRuntime, AsyncLocalRuntime] as const;
const outputs = { n: type<number>() };
const plain = defineNode({ name: 'plain', outputs, run: () => ({ n: 1 }) });

type Bad = readonly [limit: unknown, code: string, at: string, says: string];

const COUNT = 'must be a whole number of at least 1';
const DURATION = 'must be a finite number of milliseconds > 0';
const NO_COUNTS: readonly unknown[] = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '2', null, {}, true];
const NO_DURATIONS: readonly unknown[] = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '10s', null, [], true];

/** What no limit may be, and what is said of it after the place. */
const BAD_LIMITS: readonly Bad[] = [
  ...NO_COUNTS.map((value): Bad => [{ maxConcurrency: value }, 'INVALID_OPTION', '.maxConcurrency', COUNT]),
  ...NO_COUNTS.map((value): Bad => [{ rate: { count: value, perMs: 1 } }, 'INVALID_OPTION', '.rate.count', COUNT]),
  ...NO_COUNTS.map(
    (value): Bad => [{ rate: { count: 1, perMs: 1, burst: value } }, 'INVALID_OPTION', '.rate.burst', COUNT],
  ),
  ...NO_COUNTS.map(
    (value): Bad => [{ maxConcurrency: 1, whenFull: 'queue', maxQueued: value }, 'INVALID_OPTION', '.maxQueued', COUNT],
  ),
  ...NO_DURATIONS.map(
    (value): Bad => [{ rate: { count: 1, perMs: value } }, 'INVALID_OPTION', '.rate.perMs', DURATION],
  ),
  ...NO_DURATIONS.map(
    (value): Bad => [
      { maxConcurrency: 1, whenFull: 'queue', maxQueueMs: value },
      'INVALID_OPTION',
      '.maxQueueMs',
      DURATION,
    ],
  ),
  ...['', 5, null, {}, ['tenant']].map(
    (value): Bad => [
      { maxConcurrency: 1, per: value },
      'INVALID_OPTION',
      '.per',
      'must be the name of a field of the context',
    ],
  ),
  ...['wait', '', null, 5].map(
    (value): Bad => [
      { maxConcurrency: 1, whenFull: value },
      'INVALID_OPTION',
      '.whenFull',
      'must be one of "reject", "queue", "defer"',
    ],
  ),
  ...[null, 5, 'one', [], true].map((value): Bad => [value, 'INVALID_OPTION', '', 'must be an object']),
  ...[null, 5, []].map((value): Bad => [{ rate: value }, 'INVALID_OPTION', '.rate', 'must be an object']),
  [{}, 'INVALID_OPTION', '', 'needs maxConcurrency or rate: without one it limits nothing'],
  [{ per: 'tenant', whenFull: 'defer' }, 'INVALID_OPTION', '', 'needs maxConcurrency or rate'],
  [{ rate: { perMs: 1 } }, 'INVALID_OPTION', '.rate', 'needs count'],
  [{ rate: { count: 1 } }, 'INVALID_OPTION', '.rate', 'needs perMs'],
  [{ maxConcurrency: 1, maxQueued: 5 }, 'INVALID_OPTION', '.maxQueued', "goes with whenFull: 'queue' only"],
  [
    { maxConcurrency: 1, whenFull: 'reject', maxQueueMs: 5 },
    'INVALID_OPTION',
    '.maxQueueMs',
    "goes with whenFull: 'queue' only",
  ],
  [
    { maxConcurrency: 1, whenFull: 'defer', maxQueued: 5 },
    'INVALID_OPTION',
    '.maxQueued',
    "goes with whenFull: 'queue' only",
  ],
  [{ maxConcurency: 1 }, 'UNKNOWN_OPTION', '', 'has no option "maxConcurency". Did you mean "maxConcurrency"?'],
  [{ rate: { count: 1, perMS: 1 } }, 'UNKNOWN_OPTION', '.rate', 'has no option "perMS". Did you mean "perMs"?'],
];

/** A place where a limit can be given: what a test calls it, what an error calls it, and how it is given there. */
type PlaceOf = readonly [where: string, at: string, give: (limit: LimitOptions) => unknown];

const PLACES: readonly PlaceOf[] = [
  ['a definition', 'node "n".limit', (limit) => defineNode({ name: 'n', outputs, limit, run: () => ({ n: 1 }) })],
  ['a use', 'node "n".limit', (limit) => workflow('w').add('n', plain({}), { limit })],
  ['a use that may fail', 'node "n".limit', (limit) => workflow('w').try('n', plain({}), { limit })],
  ['an inline node', 'node "n".limit', (limit) => workflow('w').fn('n', {}, () => 1, { limit })],
  ...RUNTIMES.flatMap((Runtime): readonly PlaceOf[] => [
    [
      `the capabilities of ${Runtime.name}`,
      'runtime.capabilities.limit',
      (limit) => new Runtime({ capabilities: { limit } }),
    ],
    [
      `an executor of ${Runtime.name}`,
      'runtime.executors["function.n"].limit',
      (limit) => new Runtime({ executors: { 'function.n': { limit } } }),
    ],
    [
      `the resources of ${Runtime.name}`,
      'runtime.resources.limits',
      (limit) => new Runtime({ resources: { limits: limit } }),
    ],
    [
      `a list in the resources of ${Runtime.name}`,
      'runtime.resources.limits[1]',
      (limit) => new Runtime({ resources: { limits: [{ maxConcurrency: 1 }, limit] } }),
    ],
    [
      `the coordinator of ${Runtime.name}`,
      'initializeResourceCoordinator.limits[0]',
      (limit) => new Runtime().initializeResourceCoordinator({ limits: [limit] }),
    ],
  ]),
];

describe('A limit that is none', () => {
  for (const [where, place, give] of PLACES)
    it(`is refused in ${where}, with a code and the place`, () => {
      for (const [limit, code, at, says] of BAD_LIMITS) {
        if (place === 'runtime.resources.limits' && Array.isArray(limit)) continue; // no limits at all
        const shown = JSON.stringify(limit);
        const refused = refusal(() => give(limit as LimitOptions));
        expect([refused.code, refused.at], shown).to.deep.equal([code, `${place}${at}`]);
        expect(refused.message, shown).to.contain(`${place}${at} ${says}`);
      }
    });

  it('every good one is taken in every place', () => {
    const good: readonly LimitOptions[] = [
      { maxConcurrency: 1 },
      { rate: { count: 1, perMs: 0.5 } },
      { rate: { count: 1, perMs: 1, burst: 1 }, per: 'tenant', whenFull: 'reject' },
      { maxConcurrency: 2 ** 53 - 1, whenFull: 'queue', maxQueued: 1, maxQueueMs: 0.1 },
    ];
    for (const [, , give] of PLACES) for (const limit of good) expect(() => give(limit)).not.to.throw();
  });

  it('does not go with nodes that the machine performs itself', () => {
    const limit = { maxConcurrency: 1 };
    const inner = workflow('inner');
    inner.fn('a', {}, () => 1);
    const built = inner.build();
    const list = (w: ReturnType<typeof workflow>) => w.fn('list', {}, () => [1]);
    const places: readonly (readonly [kind: string, call: () => unknown])[] = [
      ['subworkflow', () => workflow('w').add('n', built({}), { limit })],
      [
        'map',
        () => {
          const w = workflow('w');
          return w.map('n', list(w as never).out.value, () => plain({}), { limit });
        },
      ],
    ];
    for (const [kind, call] of places)
      expect(refusal(call)).to.deep.include({
        code: 'INVALID_OPTION',
        at: 'node "n".limit',
        message: `node "n".limit does not go with a ${kind}: it is for nodes that call a function. Correct the named option.`,
      });
  });

  it('cannot be changed after it was given', () => {
    const rate = { count: 1, perMs: 100 };
    const limit: LimitOptions = { rate, maxConcurrency: 1 };
    const node = defineNode({ name: 'n', outputs, limit, run: () => ({ n: 1 }) });
    const runtime = new LocalRuntime({ resources: { limits: limit }, capabilities: { limit } });
    const w = workflow('w');
    w.add('n', node({}));
    const [data] = w.build().data.nodes;
    rate.count = 9;
    expect(data?.limit).to.deep.equal({ rate: { count: 1, perMs: 100 }, maxConcurrency: 1 });
    expect(runtime.options.resources.limits).to.deep.equal([{ rate: { count: 1, perMs: 100 }, maxConcurrency: 1 }]);
    expect(runtime.options.capabilities.limit).to.deep.equal({ rate: { count: 1, perMs: 100 }, maxConcurrency: 1 });
    expect(Object.isFrozen(runtime.options.capabilities.limit?.rate)).to.equal(true);
  });
});

describe('Resources that are none', () => {
  const bad: readonly Bad[] = [
    ...NO_COUNTS.map((value): Bad => [{ maxRssBytes: value }, 'INVALID_OPTION', '.maxRssBytes', COUNT]),
    ...NO_DURATIONS.map(
      (value): Bad => [{ maxEventLoopDelayMs: value }, 'INVALID_OPTION', '.maxEventLoopDelayMs', DURATION],
    ),
    ...NO_DURATIONS.map((value): Bad => [{ checkEveryMs: value }, 'INVALID_OPTION', '.checkEveryMs', DURATION]),
    ...['queue', '', null, 5].map(
      (value): Bad => [
        { whenExhausted: value },
        'INVALID_OPTION',
        '.whenExhausted',
        'must be one of "reject", "defer"',
      ],
    ),
    ...[null, 5, 'some', []].map((value): Bad => [value, 'INVALID_OPTION', '', 'must be an object']),
    [{ maxRssByte: 1 }, 'UNKNOWN_OPTION', '', 'has no option "maxRssByte". Did you mean "maxRssBytes"?'],
  ];

  it('are refused with a code and the place, in both runtimes and by initializeResourceCoordinator()', () => {
    for (const Runtime of RUNTIMES) {
      for (const [resources, code, at, says] of bad) {
        for (const [place, call] of [
          ['runtime.resources', () => new Runtime({ resources: resources as never })],
          ['initializeResourceCoordinator', () => new Runtime().initializeResourceCoordinator(resources as never)],
        ] as const) {
          const refused = refusal(call);
          expect([refused.code, refused.at], JSON.stringify(resources)).to.deep.equal([code, `${place}${at}`]);
          expect(refused.message).to.contain(`${place}${at} ${says}`);
        }
      }
    }
  });

  it('may be no limits at all', () => {
    for (const Runtime of RUNTIMES)
      for (const resources of [{}, { limits: [] }, { maxRssBytes: 1, maxEventLoopDelayMs: 0.1, checkEveryMs: 0.1 }])
        expect(() => new Runtime({ resources }).initializeResourceCoordinator(resources)).not.to.throw();
  });
});

describe('What executors are named by, and what a priority is', () => {
  it('the key of an executor has a kind and a name', () => {
    for (const Runtime of RUNTIMES)
      for (const key of ['clean', '', '.clean', 'function.', 'function'])
        expect(refusal(() => new Runtime({ executors: { [key]: {} } }))).to.deep.include({
          code: 'INVALID_OPTION',
          at: `runtime.executors["${key}"]`,
        });
    for (const executors of [null, 5, [], 'all'])
      expect(caught(() => new LocalRuntime({ executors: executors as never })).code).to.equal('INVALID_OPTION');
  });

  it('a priority is a finite number', () => {
    const w = workflow('w');
    w.fn('n', {}, () => 1);
    const built = w.build();
    using runtime = new LocalRuntime();
    for (const priority of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '1', null, {}]) {
      const outcome = runtime.settle(built, {}, { priority: priority as never });
      expect(outcome.status === 'rejected' && outcome.error.problems.map(({ code, at }) => [code, at])).to.deep.equal([
        ['INVALID_OPTION', 'run.priority'],
      ]);
    }
    for (const priority of [0, -1.5, Number.MAX_VALUE, -Number.MAX_VALUE])
      expect(runtime.settle(built, {}, { priority }).status).to.equal('completed');
  });
});
