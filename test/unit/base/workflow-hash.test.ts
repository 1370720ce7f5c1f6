import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { when } from '../../../src/base/condition.js';
import { LockstepError } from '../../../src/base/errors.js';
import { defineNode, variadic } from '../../../src/base/node.js';
import type { ErrorMatcher, NodeCapabilities, RetryOptions } from '../../../src/base/node-options.js';
import { merge } from '../../../src/base/nodes/merge.js';
import type { Hash } from '../../../src/base/ports.js';
import { type } from '../../../src/base/schema.js';
import type { ContractPolicy } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { canonicalWorkflow, hashWorkflow, nodeIdentity } from '../../../src/base/workflow-hash.js';

const hash: Hash = { sha256: (text) => createHash('sha256').update(text, 'utf8').digest('hex') };

interface Variation {
  readonly literal?: unknown;
  readonly id?: string;
  readonly version?: string;
  readonly run?: (inputs: { readonly x: unknown }) => { y: unknown };
  readonly until?: (value: unknown) => boolean;
  readonly lengths?: 'equal' | 'shortest';
  readonly retryOn?: readonly ErrorMatcher[];
  readonly retry?: RetryOptions;
  readonly governed?: NodeCapabilities;
  readonly policies?: readonly ContractPolicy[];
}

function build({
  literal = { b: 1, a: [true] },
  id = 'first',
  version,
  run,
  until,
  lengths,
  retryOn,
  retry = retryOn === undefined ? undefined : { retryOn },
  governed = {},
  policies,
}: Variation = {}) {
  const plain = defineNode({
    name: 'plain',
    ...(version === undefined ? {} : { version }),
    inputs: { x: type<unknown>() },
    outputs: { y: type<unknown>() },
    run: run ?? (({ x }) => ({ y: x })),
  });
  const list = defineNode({
    name: 'list',
    version: '2',
    outputs: { items: type<number[]>() },
    run: () => ({ items: [1] }),
  });
  const w = workflow('sample', { params: { p: type<number>() } });
  const first = w.add(id, plain({ x: literal }));
  const step = w.add('step', plain({ x: first.out.y }), retry === undefined ? governed : { ...governed, retry });
  if (policies !== undefined) w.contract('step.x', { policies });
  w.cycle('loop', {
    feedback: [step.out.y.to(step.in.x)],
    until: when(step.out.y, until ?? ((value) => value === 1)),
    maxIterations: 3,
  });
  const a = w.add('a', list());
  w.add('zip', merge.zip({ left: a.out.items, right: a.out.items }, lengths === undefined ? {} : { lengths }));
  return w.build({ outputs: { end: step.out.y, p: w.params.p } });
}

function hashOf(variation?: Variation): string {
  return hashWorkflow(build(variation), hash);
}

function refusal(act: () => unknown): LockstepError {
  try {
    act();
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('The hash of a workflow', () => {
  it('is a SHA-256 of its canonical JSON', () => {
    const built = build();
    expect(hashWorkflow(built, hash))
      .to.match(/^[0-9a-f]{64}$/)
      .and.to.equal(hash.sha256(canonicalWorkflow(built, hash)));
  });

  it('is what it has always been', () => {
    const step = defineNode({
      name: 'step',
      version: '1',
      inputs: { x: type<unknown>() },
      outputs: { y: type<unknown>() },
      run: ({ x }) => ({ y: x }),
    });
    const bare = Object.assign(Object.create(null) as object, { q: 1, p: [] });
    const literal = { b: [1, -0, 2.5e-9, 1e21, null, true], a: { 'two words': 'é€😀' }, 10: {}, 9: [], bare };
    const w = workflow('known', { params: { p: type<unknown>() } });
    const first = w.add('first', step({ x: literal }));
    w.switch('route', first.out.y, {
      five: { op: '==', value: 5 },
      listed: { op: 'in', value: [{ z: 1, y: 2 }] },
    });
    const built = w.build({ outputs: { end: first.out.y.or({ d: 1, c: 2 }), p: w.params.p } });
    expect(hashWorkflow(built, hash)).to.equal('72bfd75e96225fc041d9ece90c4ad25e2937a728815542ff00b86ec11470ab49');
  });

  it('is the same for the same workflow built twice', () => {
    expect(hashOf()).to.equal(hashOf());
  });

  it('does not depend on the order of keys in a literal', () => {
    expect(hashOf({ literal: { a: [true], b: 1 } })).to.equal(hashOf());
  });

  it('does not depend on the order of connections into different inputs, of parameters, or of the calls of path()', () => {
    const pair = defineNode({
      name: 'pair',
      version: '1',
      inputs: { l: type<unknown>(), r: type<unknown>() },
      outputs: { y: type<unknown>() },
      run: ({ l }) => ({ y: l }),
    });
    const make = (reverse: 'as written' | 'reversed', into = ['b.l', 'b.r']): string => {
      const turned = <T>(list: readonly T[]): readonly T[] => (reverse === 'reversed' ? [...list].reverse() : list);
      const params = Object.fromEntries(turned(['p', 'q']).map((name) => [name, type<number>()]));
      const w = workflow('order', { params });
      const a = w.add('a', pair({ l: 1, r: 2 }));
      w.node('b', pair, {}, { join: 'any' });
      for (const to of turned(into)) w.connect('a.y', to);
      const paths = new Map(turned(['u', 'v']).map((path) => [path, a.out.y.path(path, type<number>())] as const));
      return hashWorkflow(w.build({ outputs: { u: paths.get('u'), v: paths.get('v') } as never }), hash);
    };
    expect(make('reversed')).to.equal(make('as written'));
    expect(make('as written', ['b.l'])).to.not.equal(make('as written'));
  });

  it('depends on the order of connections into one input, and of the lists that are merged', () => {
    const list = defineNode({ name: 'list', version: '1', outputs: { l: type<number[]>() }, run: () => ({ l: [1] }) });
    const all = defineNode({
      name: 'all',
      version: '1',
      inputs: { l: variadic(type<number[][]>()) },
      outputs: {},
      run: () => ({}),
    });
    const make = (order: readonly string[], lists: readonly ('a' | 'b')[]): string => {
      const w = workflow('order');
      const handles = { a: w.add('a', list()), b: w.add('b', list()) };
      w.node('all', all);
      for (const from of order) w.connect(`${from}.l`, 'all.l');
      w.add('zip', merge.zip(Object.fromEntries(lists.map((id) => [`of_${id}`, handles[id].out.l]))));
      return hashWorkflow(w.build(), hash);
    };
    expect(make(['b', 'a'], ['a', 'b'])).to.not.equal(make(['a', 'b'], ['a', 'b']));
    expect(make(['a', 'b'], ['b', 'a'])).to.not.equal(make(['a', 'b'], ['a', 'b']));
  });

  const changes: Readonly<Record<string, Variation>> = {
    'a literal': { literal: { b: 2, a: [true] } },
    'an id': { id: 'other' },
    'a code that is retried': { retryOn: ['EBUSY'] },
    'a predicate that is asked about retries': { retryOn: [(error) => error === 1] },
    'the attempts of a retry': { retry: { attempts: 2 } },
    'the strategy of a retry': { retry: { backoff: { strategy: 'steady' } } },
    'a rule of a contract': { policies: ['no-pii'] },
    'a version': { version: '1' },
    'the source of an unversioned node': { run: ({ x }) => ({ y: [x] }) },
    'the source of a convergence test': { until: (value) => value === 2 },
    'an option of a merge node': { lengths: 'shortest' },
  };
  for (const [what, variation] of Object.entries(changes)) {
    it(`changes with ${what}`, () => expect(hashOf(variation)).to.not.equal(hashOf()));
  }

  it('changes with the version, and does not see the source of a versioned node', () => {
    expect(hashOf({ version: '1' })).to.not.equal(hashOf({ version: '2' }));
    expect(hashOf({ version: '1', run: ({ x }) => ({ y: [x] }) })).to.equal(hashOf({ version: '1' }));
  });

  const operational: readonly NodeCapabilities[] = [
    { limit: { maxConcurrency: 1 } },
    { breaker: {} },
    { cache: { ttlMs: 1 } },
    { validation: 'strict' },
    { metrics: false },
  ];
  for (const governed of operational) {
    it(`does not see ${Object.keys(governed)[0]}: it governs when a node is called, not what it computes`, () => {
      expect(hashOf({ governed })).to.equal(hashOf());
    });
  }

  it('depends on which strategy a retry names', () => {
    const strategy = (name: string) => hashOf({ retry: { backoff: { strategy: name } } });
    expect(strategy('steady')).to.equal(strategy('steady')).and.to.not.equal(strategy('other'));
  });

  it('is the same whether a default is written or left out', () => {
    expect(hashOf({ lengths: 'equal' })).to.equal(hashOf());
  });
});

describe('The canonical form of a workflow', () => {
  it('is its data with identities resolved and tests digested', () => {
    const built = build();
    const form = JSON.parse(canonicalWorkflow(built, hash)) as {
      nodes: { id: string; use: unknown; config: unknown }[];
      cycles: { tests: unknown }[];
    };
    const node = (id: string) => form.nodes.find((candidate) => candidate.id === id);
    expect(node('a')?.use).to.deep.equal({ name: 'list', version: '2' });
    expect(node('first')?.use).to.deep.equal(nodeIdentity(built, 'first', hash));
    expect(node('zip')?.config).to.deep.equal({ $lengths: 'equal' });
    expect(form.cycles[0]?.tests).to.deep.equal([{ digest: hash.sha256('(value) => value === 1'), unversioned: true }]);
  });

  for (const [what, literal, at] of [
    ['an instance of a class', new URL('http://localhost'), 'first.x'],
    ['half of a surrogate pair', ['\ud800'], 'first.x[0]'],
    ['a function deep inside', { list: [{ f: () => 1 }] }, 'first.x.list[0].f'],
  ] as const) {
    it(`refuses ${what} as a literal, naming node and port`, () => {
      const error = refusal(() => canonicalWorkflow(build({ literal }), hash));
      expect([error.code, error.at]).to.deep.equal(['UNHASHABLE_LITERAL', at]);
    });
  }

  it('names the port also for a literal inside an expression', () => {
    const echo = defineNode({
      name: 'echo',
      inputs: { x: type<unknown>() },
      outputs: { y: type<unknown>() },
      run: ({ x }) => ({ y: x }),
    });
    const w = workflow('w');
    const one = w.add('one', echo({ x: 1 }));
    w.add('two', echo({ x: one.out.y.or(/a/) }));
    expect(refusal(() => hashWorkflow(w.build(), hash)).at).to.equal('two.x.of[1].value');
  });
});

describe('A literal that JSON cannot hold', () => {
  const literals: Readonly<Record<string, () => unknown>> = {
    'a Date': () => new Date(0),
    'another Date': () => new Date(1),
    'an invalid Date': () => new Date(Number.NaN),
    NaN: () => Number.NaN,
    Infinity: () => Number.POSITIVE_INFINITY,
    'a bigint': () => 1n,
    bytes: () => Uint8Array.of(1, 2),
    'a Buffer': () => Buffer.of(1, 2),
    'a typed array': () => Int8Array.of(1, 2),
    'a Map': () => new Map([['a', 1]]),
    'a Set': () => new Set(['a', 1]),
    undefined: () => ({ a: undefined }),
    'no undefined': () => ({}),
    'what looks like a tagged Date': () => ({ $: 'date', v: 0 }),
  };

  it('has a part in the hash, which is the same for equal ones', () => {
    const hashes = Object.values(literals).map((make) => hashOf({ literal: make() }));
    expect(Object.values(literals).map((make) => hashOf({ literal: make() }))).to.deep.equal(hashes);
    expect(new Set(hashes).size).to.equal(hashes.length);
  });

  it('leaves the order of keys without a meaning', () => {
    const literal = { b: new Date(0), a: { $: 1, c: 2 } };
    expect(hashOf({ literal: { a: { c: 2, $: 1 }, b: new Date(0) } })).to.equal(hashOf({ literal }));
  });

  it('is hashed wherever it stands: in an expression, and as what a case compares with', () => {
    const echo = defineNode({
      name: 'echo',
      version: '1',
      inputs: { x: type<unknown>() },
      outputs: { y: type<unknown>() },
      run: ({ x }) => ({ y: x }),
    });
    const make = (fallback: unknown, compared: bigint): string => {
      const w = workflow('w');
      const one = w.add('one', echo({ x: 1 }));
      w.switch('which', one.out.y, { same: { op: '==', value: compared as never } });
      return hashWorkflow(w.build({ outputs: { end: one.out.y.or(fallback) } }), hash);
    };
    expect(make(new Date(0), 1n)).to.equal(make(new Date(0), 1n));
    expect(new Set([make(new Date(0), 1n), make(new Date(1), 1n), make(new Date(0), 2n)]).size).to.equal(3);
  });
});

describe('The identity of a node', () => {
  it('is its name and version', () => {
    expect(nodeIdentity(build(), 'a', hash)).to.deep.equal({ name: 'list', version: '2' });
  });

  it('is its name and a digest of its source where it has no version', () => {
    const run = ({ x }: { readonly x: unknown }) => ({ y: x });
    expect(nodeIdentity(build({ run }), 'first', hash)).to.deep.equal({
      name: 'plain',
      digest: hash.sha256(run.toString()),
      unversioned: true,
    });
  });

  it('is refused for a node that does not exist, with what was probably meant', () => {
    const error = refusal(() => nodeIdentity(build(), 'frist', hash));
    expect(error.code).to.equal('UNKNOWN_NODE');
    expect(error.message).to.contain('Did you mean "first"?');
  });
});
