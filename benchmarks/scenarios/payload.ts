import { AsyncLocalRuntime, defineNode, LocalRuntime, type Ref, type, workflow } from '../../src/index.js';
import { BUDGETS } from '../budgets.js';
import { compare, type Times } from '../measure.js';
import type { Row, Scenario } from '../scenario.js';

const NODES = 6;

/** What is passed: text and bytes of a size, inside an object that counts every look at it. */
function payloadOf(bytes: number) {
  let looks = 0;
  const target = { text: 'x'.repeat(bytes / 2), bytes: new Uint8Array(bytes / 2) };
  const look =
    <A extends readonly unknown[], R>(reflect: (...args: A) => R) =>
    (...args: A): R => {
      looks++;
      return reflect(...args);
    };
  const payload: object = new Proxy(target, {
    get: look(Reflect.get),
    has: look(Reflect.has),
    ownKeys: look(Reflect.ownKeys),
    getOwnPropertyDescriptor: look(Reflect.getOwnPropertyDescriptor),
  });
  return { payload, looks: () => looks };
}

/** Six nodes that hand on what they were given; each notes what that was. */
function relay(payload: object, seen: unknown[]) {
  const pass = defineNode({
    name: 'pass',
    inputs: { value: type<object>() },
    outputs: { value: type<object>() },
    run: ({ value }) => {
      if (seen.length < NODES) seen.push(value);
      return { value };
    },
  });
  const w = workflow('relay', { params: { value: type<object>() } });
  let value: Ref<object> = w.params.value;
  for (let index = 0; index < NODES; index++) value = w.add(`pass${index}`, pass({ value })).out.value;
  const built = w.build({ outputs: { value } });
  return { built, params: { value: payload } };
}

function assertUntouched(payload: object, looks: number, seen: readonly unknown[], output: unknown): void {
  if (looks > 0) throw new Error(`The runtime looked into the payload ${looks} times.`);
  if (seen.length !== NODES || !seen.every((value) => value === payload))
    throw new Error('A node saw a copy of the payload.');
  if (output !== payload) throw new Error('The output is a copy of the payload.');
}

/** A payload of 1 MB handed through six nodes: the same object everywhere, never looked into, and no dearer than one of 2 bytes. */
export const scenario: Scenario = {
  title: '1 MB through six nodes',
  sizes: [1_048_576],
  ciSizes: [1_048_576],
  async measure(size, effort) {
    const rows: Row[] = [];
    for (const runtime of [new LocalRuntime(), new AsyncLocalRuntime()]) {
      const { payload, looks } = payloadOf(size);
      const seen: unknown[] = [];
      const large = relay(payload, seen);
      const small = relay(payloadOf(2).payload, []);
      const output = (await runtime.execute(large.built, large.params)).unwrap();
      assertUntouched(payload, looks(), seen, output.value);
      const sides = [
        () => runtime.execute(small.built, small.params),
        () => runtime.execute(large.built, large.params),
      ];
      const [limit, ours] = (await compare(sides, effort)) as [Times, Times];
      await runtime.close();
      rows.push({
        what: `run with a payload, ${runtime instanceof LocalRuntime ? 'local' : 'async'}`,
        size,
        unit: 'ns',
        limit: limit.least,
        ours: ours.least,
        ratio: ours.least / limit.least,
        medianRatio: ours.median / limit.median,
        budget: { kind: 'ratio', most: BUDGETS.largePayload },
        note: `limit: 2 bytes; 0 copies, ${looks()} looks`,
      });
    }
    return rows;
  },
};
