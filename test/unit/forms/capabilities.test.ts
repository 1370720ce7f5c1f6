import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities } from '../../../src/base/node-options.js';
import { definePredicate } from '../../../src/base/predicate.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { fromJSON, fromYaml, type NodeDocument, registry, toJSON, toYaml } from '../../../src/forms/index.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { both } from '../../support/both.js';

const isBusy = definePredicate({ name: 'isBusy', version: '1', test: (error: unknown) => error === 'busy' });
const isGone = definePredicate({ name: 'isGone', version: '1', test: (error: unknown) => error === 'gone' });

/** A capability in code, as it stands in a document, and as it stands in a YAML text. */
interface Sample {
  readonly given: NodeCapabilities;
  readonly json: object;
  readonly yaml: object;
  readonly hashed: boolean;
}

function alike(given: NodeCapabilities, yaml: object = given, hashed = false): Sample {
  return { given, json: given, yaml, hashed };
}

/** Every capability that a node can have: the type fails where one is missing. */
const samples: Readonly<Record<keyof NodeCapabilities, Sample>> = {
  retry: {
    given: {
      retry: {
        attempts: 3,
        backoff: { strategy: 'steady' },
        delayMs: 1_000,
        maxDelayMs: 90_000,
        retryOn: ['A', isBusy],
      },
    },
    json: {
      retry: {
        attempts: 3,
        backoff: { strategy: 'steady' },
        delayMs: 1_000,
        maxDelayMs: 90_000,
        retryOn: ['A', { predicate: 'isBusy@1' }],
      },
    },
    yaml: {
      retry: {
        attempts: 3,
        backoff: { strategy: 'steady' },
        delay: '1s',
        maxDelay: '90s',
        retryOn: ['A', { predicate: 'isBusy@1' }],
      },
    },
    hashed: true,
  },
  timeoutMs: alike({ timeoutMs: 2_000 }, { timeout: '2s' }, true),
  softTimeoutMs: alike({ softTimeoutMs: 1_500 }, { softTimeout: '1500ms' }, true),
  totalTimeoutMs: alike({ totalTimeoutMs: 60_000 }, { totalTimeout: '1m' }, true),
  limit: alike(
    {
      limit: {
        maxConcurrency: 2,
        rate: { count: 10, perMs: 1_000, burst: 3 },
        per: 'tenant',
        whenFull: 'queue',
        maxQueued: 7,
        maxQueueMs: 5_000,
      },
    },
    {
      limit: {
        maxConcurrency: 2,
        rate: { count: 10, per: '1s', burst: 3 },
        per: 'tenant',
        whenFull: 'queue',
        maxQueued: 7,
        maxQueue: '5s',
      },
    },
  ),
  breaker: alike(
    { breaker: { rate: 0.5, windowSize: 8, openMs: 7_200_000, successes: 2 } },
    { breaker: { rate: 0.5, windowSize: 8, open: '2h', successes: 2 } },
  ),
  cache: alike({ cache: { ttlMs: 250 } }, { cache: { ttl: '250ms' } }),
  validation: alike({ validation: 'off' }),
  metrics: alike({ metrics: false }),
  durability: alike({ durability: 'power' }),
};

function echoWith(capabilities: NodeCapabilities) {
  return defineNode({
    name: 'echo',
    version: '1',
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    ...capabilities,
    run: ({ n }) => ({ n }),
  });
}

const plain = echoWith({});

function use(capabilities: NodeCapabilities, definition = plain): Workflow {
  const w = workflow('one');
  w.add('a', definition({ n: 1 }), capabilities);
  return w.build();
}

function known(definition = plain) {
  return registry(definition, isBusy, isGone);
}

function written(capabilities: NodeCapabilities, definition = plain): NodeDocument {
  const { nodes } = toJSON(use(capabilities, definition), { registry: known(definition) });
  return nodes.a as NodeDocument;
}

const bare = { use: 'echo@1', config: { n: 1 } };

for (const [name, { given, json, yaml, hashed }] of Object.entries(samples)) {
  describe(`${name} in a document`, () => {
    it('is written in JSON', () => expect(written(given)).to.deep.equal({ ...bare, ...json }));

    it('is written in YAML, durations as texts', () => {
      const { nodes } = parse(toYaml(use(given), { registry: known() })) as { readonly nodes: object };
      expect(nodes).to.deep.equal({ a: { ...bare, ...yaml } });
    });

    for (const form of ['JSON', 'YAML'] as const) {
      it(`is read from ${form} as it stands in code`, () => {
        const node = { ...bare, ...(form === 'JSON' ? json : yaml) };
        const document = { lockstep: 1, name: 'one', nodes: { a: node } };
        const options = { registry: known() };
        const read = form === 'JSON' ? fromJSON(document, options) : fromYaml(stringify(document), options);
        expect(read.data).to.deep.equal(use(given).data);
        expect(read.bindings.retries.get('a')).to.deep.equal(use(given).bindings.retries.get('a'));
      });
    }

    it('is left out where the definition says the same', () => {
      expect(written({}, echoWith(given))).to.deep.equal(bare);
      expect(written(given, echoWith(structured(given)))).to.deep.equal(bare);
    });

    it('is given by the definition where it was left out', () => {
      const options = { registry: known(echoWith(given)) };
      const document = toJSON(use(given, echoWith(given)));
      expect(fromJSON(document, options).data).to.deep.equal(use(given).data);
    });

    it(`${hashed ? 'changes' : 'does not change'} the hash`, () => {
      expect(hashOf(use(given)) === hashOf(use({}))).to.equal(!hashed);
    });
  });
}

/** The same options in another order. */
function structured(given: NodeCapabilities): NodeCapabilities {
  const turned = (value: unknown): unknown =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(
          Object.entries(value)
            .map(([key, inner]) => [key, turned(inner)] as const)
            .reverse(),
        );
  return turned(given) as NodeCapabilities;
}

describe('a capability that replaces that of a definition', () => {
  const replaced: readonly (readonly [string, NodeCapabilities, NodeCapabilities])[] = [
    [
      'another number in a rate',
      { limit: { rate: { count: 1, perMs: 9 } } },
      { limit: { rate: { count: 2, perMs: 9 } } },
    ],
    ['a default that is written', { breaker: {} }, { breaker: { failures: 5 } }],
    ['no option at all', { cache: { ttlMs: 5 } }, { cache: {} }],
    ['metrics that are counted again', { metrics: false }, { metrics: true }],
    ['another level', { validation: 'strict' }, { validation: 'warn' }],
    ['another code that is retried', { retry: { retryOn: ['A'] } }, { retry: { retryOn: ['B'] } }],
    ['another predicate of retries', { retry: { dontRetryOn: [isBusy] } }, { retry: { dontRetryOn: [isGone] } }],
    ['one code less', { retry: { retryOn: ['A', 'B'] } }, { retry: { retryOn: ['A'] } }],
    ['no codes instead of any', { retry: {} }, { retry: { retryOn: [] } }],
    ['any codes instead of none', { retry: { retryOn: [] } }, { retry: {} }],
    ['another strategy', { retry: { backoff: { strategy: 'a' } } }, { retry: { backoff: { strategy: 'b' } } }],
  ];
  for (const [what, defined, given] of replaced) {
    it(`is written: ${what}`, () => {
      const definition = echoWith(defined);
      const document = written(given, definition);
      const back = fromJSON({ lockstep: 1, name: 'one', nodes: { a: document } }, { registry: known(definition) });
      expect(Object.keys(document)).to.deep.equal(['use', 'config', Object.keys(given)[0]]);
      expect(back.data).to.deep.equal(use(given, definition).data);
      expect(hashOf(back)).to.equal(hashOf(use(given, definition)));
    });
  }

  it('is not taken away by one that is undefined', () => {
    const definition = echoWith({ cache: { ttlMs: 5 }, timeoutMs: 9, retry: { attempts: 2 } });
    const nothing = { cache: undefined, timeoutMs: undefined, retry: undefined } as unknown as NodeCapabilities;
    expect(use(nothing, definition).data).to.deep.equal(use({}, definition).data);
  });
});

describe('a document', () => {
  it('can be changed without changing the workflow from which it was written', () => {
    const built = use({ ...samples.limit.given, ...samples.retry.given });
    const document = toJSON(built, { registry: known() });
    const { a } = document.nodes as unknown as {
      readonly a: { limit: { rate: { count: number } }; retry: { backoff: object } };
    };
    a.limit.rate.count = 99;
    Object.assign(a.retry.backoff, { strategy: 'other' });
    expect(toJSON(built, { registry: known() }).nodes.a).to.deep.equal({
      ...bare,
      ...samples.limit.json,
      ...samples.retry.json,
    });
  });

  it('can be changed without changing the workflow that was read from it', () => {
    const limit = { rate: { count: 1, perMs: 1_000 } };
    const backoff = { strategy: 'steady' };
    const document = { lockstep: 1, name: 'one', nodes: { a: { ...bare, limit, retry: { backoff } } } };
    const { data } = fromJSON(document, { registry: known() });
    limit.rate.count = 9;
    backoff.strategy = 'other';
    expect(data.nodes[0]?.limit).to.deep.equal({ rate: { count: 1, perMs: 1_000 } });
    expect(data.nodes[0]?.retry?.backoff).to.deep.equal({ strategy: 'steady' });
  });

  it('keeps a duration that no text gives back as a number', () => {
    const limit = { rate: { count: 1, perMs: 1e-7 } };
    const text = toYaml(use({ limit }), { registry: known() });
    expect((parse(text) as { nodes: { a: object } }).nodes.a).to.deep.equal({ ...bare, limit });
    expect(fromYaml(text, { registry: known() }).data).to.deep.equal(use({ limit }).data);
  });
});

describe('a document that names a strategy', () => {
  const failing = defineNode({
    name: 'failing',
    version: '1',
    outputs: { n: type<number>() },
    run: (_, { attempt }) => {
      if (attempt < 3) throw new Error('not yet');
      return { n: attempt };
    },
  });
  const text = `
lockstep: 1
name: waiting
nodes:
  a: { use: failing, retry: { attempts: 3, delay: 1s, backoff: { strategy: steady } } }
outputs: { n: a.n }
`;
  const read = () => fromYaml(text, { registry: registry(failing) });

  it('is read, and its run is refused before any node where the runtime does not know it', async () => {
    const { status, code, problems, log } = await both(read);
    expect({ status, code }).to.deep.equal({ status: 'rejected', code: 'UNKNOWN_STRATEGY' });
    expect(problems.map(({ message }) => message)).to.deep.equal([
      'There is no retry strategy "steady". Known: "fixed", "linear", "exponential". Correct the name, or register it with registerRetryStrategy().',
    ]);
    expect(log).to.deep.equal([]);
  });

  it('runs as the strategy says where it is registered', async () => {
    const asked: number[] = [];
    const strategy = ({ delayMs, failures }: { readonly delayMs: number; readonly failures: number }) => {
      asked.push(failures);
      return delayMs + failures;
    };
    const clock = new VirtualClock();
    using local = new LocalRuntime({ clock });
    local.registerRetryStrategy('steady', strategy);
    const begin = clock.now();
    expect(local.execute(read() as Workflow<object>, {}).unwrap()).to.deep.equal({ n: 3 });
    expect(clock.now() - begin).to.equal(2_003);

    await using remote = new AsyncLocalRuntime();
    remote.registerRetryStrategy('steady', ({ failures }) => {
      asked.push(failures);
      return 0;
    });
    expect((await remote.execute(read() as Workflow<object>, {})).unwrap()).to.deep.equal({ n: 3 });
    expect(asked).to.deep.equal([1, 2, 1, 2]);
  });
});
