import type { AttemptKey } from '../../src/base/events.js';
import { defineNode } from '../../src/base/node.js';
import { otherwise } from '../../src/base/nodes/switch.js';
import { type } from '../../src/base/schema.js';
import type { Workflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { jsonSchema } from '../../src/mixins/validation/json-schema.js';
import { withFunctions } from '../../src/testing/with-functions.js';

const plus = defineNode({
  name: 'plus',
  inputs: { n: type<number>(), by: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n, by }) => ({ n: n + by }),
});

/** Fails its first attempt of each visit; one that was lost in a crash does not count. */
const flaky = defineNode({
  name: 'flaky',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  retry: { attempts: 2, delayMs: 0 },
  run: ({ n }, { failures }) => {
    if (failures === 0) throw Object.assign(new Error('not yet'), { code: 'NOT_YET' });
    return { n: n * 10 };
  },
});

const broken = defineNode({
  name: 'broken',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: () => {
    throw Object.assign(new Error('broken'), { code: 'BROKEN' });
  },
});

/** Adds one, and counts its calls in its state. */
const counting = defineNode({
  name: 'counting',
  inputs: { n: type<number>() },
  outputs: { n: type<number>(), count: type<number>() },
  state: jsonSchema<number>({ type: 'number', default: 0 }),
  run: ({ n }, { state, setState }) => {
    setState(state + 1);
    return { n: n + 1, count: state + 1 };
  },
});

/** Long enough to be kept as a blob. */
const LONG = 'long '.repeat(16_000);

/** A way taken and one not, a retry, a failure that is allowed and one that fails the run and blocks what depends on it. */
function branching() {
  const w = workflow('branching', { params: { n: type<number>() } });
  const read = w.fn('read', { n: w.params.n }, ({ n }) => ({ n, text: LONG }));
  const route = w.switch('route', read.out.value.at('n'), { many: (n) => n > 10, few: otherwise });
  const many = w.add('many', flaky({ n: route.out.many }));
  const few = w.add('few', plus({ n: route.out.few, by: 1 }));
  const joined = w.fn('joined', { n: route.join({ many: many.out.n, few: few.out.n }) }, ({ n }) => n + 1);
  const risky = w.try('risky', broken({ n: joined.out.value }));
  w.fn('healed', { error: risky.error.at('code'), text: read.out.value.at('text') }, ({ error, text }) => [
    error,
    text.length,
  ]);
  const fatal = w.add('fatal', broken({ n: joined.out.value }));
  w.add('blocked', plus({ n: fatal.out.n, by: 1 }));
  return w.build({ outputs: { n: joined.out.value } });
}

/** A cycle in a cycle; nodes of both have a state. */
function cyclic() {
  const w = workflow('cyclic', { params: { n: type<number>() } });
  const open = w.add('open', counting({ n: w.params.n }));
  const step = w.add('step', counting({ n: open.out.n }));
  const close = w.fn('close', { n: step.out.n, inner: step.out.count, outer: open.out.count }, (found) => found);
  w.cycle('inner', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
  w.cycle('outer', { feedback: [close.out.value.at('n').to(open.in.n)], maxIterations: 2 });
  const last = w.fn('last', { found: close.out.value }, ({ found }) => found);
  return w.build({ outputs: { found: last.out.value } });
}

/** A map over a workflow, and a gate that the run waits for. */
function nested() {
  const inner = workflow('inner', { params: { n: type<number>() } });
  const one = inner.add('one', plus({ n: inner.params.n, by: 1 }));
  const two = inner.add('two', flaky({ n: one.out.n }));
  const child = inner.build({ outputs: { n: two.out.n } });
  const w = workflow('nested', { params: { n: type<number>() } });
  const list = w.fn('list', { n: w.params.n }, ({ n }) => [n, n + 1]);
  const all = w.map('all', list.out.value, (n) => child({ n }));
  const ok = w.gate('ok', {
    shows: { all: all.out.n },
    answer: jsonSchema<{ readonly bonus: number }>({ type: 'object', required: ['bonus'] }),
  });
  const sum = w.fn('sum', { all: all.out.n, bonus: ok.out.approved.at('bonus') }, ({ all: numbers, bonus }) =>
    numbers.reduce((total, n) => total + n, bonus),
  );
  return w.build({ outputs: { sum: sum.out.value } });
}

/** The workflows that are cut off. All of them take `n`. */
export const CRASH_FLOWS = { branching, cyclic, nested } as const;

/** One of them. */
export type CrashFlow = keyof typeof CRASH_FLOWS;

/** What gates are answered. */
export const ANSWER = { bonus: 100 } as const;

/** One attempt in a run, as a text. */
export function attemptText({ scope, node, visit, attempt }: AttemptKey): string {
  return `${scope}${node} ${visit}.${attempt}`;
}

/** The workflow, telling of each call of a function before it is made. */
export function crashFlow(flow: CrashFlow, runtime: 'local' | 'async', called: (attempt: string) => void): Workflow {
  return withFunctions(CRASH_FLOWS[flow]() as unknown as Workflow, (_, implementation) => {
    const run: typeof implementation.run = (inputs, context) => {
      const { scope, nodeId, visit, attempt } = context;
      called(attemptText({ scope, node: nodeId, visit, attempt }));
      return implementation.run(inputs, context);
    };
    // The text of a function tells versions of a workflow apart, and it is not the same in a bundled program.
    const own = { ...implementation, sourceText: implementation.identity.name };
    if (runtime === 'local' || implementation.switch !== undefined) return { ...own, run };
    return { ...own, async: true, run: async (inputs, context) => run(inputs, context) };
  });
}
