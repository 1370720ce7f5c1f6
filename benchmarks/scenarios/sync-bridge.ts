import { type BridgeCall, LocalRuntime, moduleNode, ThreadBridge, type, workflow } from '../../src/index.js';
import { BUDGETS } from '../budgets.js';
import { BareRoundTrip } from '../limits/bridge-round-trip.js';
import { compare, type Times } from '../measure.js';
import type { Budget, Row, Scenario } from '../scenario.js';

const TOGETHER = 64;

const module = { url: new URL('../modules.js', import.meta.url).href, export: 'echo' };

const echoNode = moduleNode({
  name: 'echo',
  module: module.url,
  export: module.export,
  inputs: { payload: type<object>() },
  outputs: { payload: type<object>() },
});

/** Calls that wait for each other: every one of them is a round trip. */
function chainOf(calls: number) {
  const w = workflow('chain', { params: { payload: type<object>() } });
  for (let index = 0; index < calls; index++) {
    const after = index === 0 ? [] : [`echo${index - 1}`];
    w.add(`echo${index}`, echoNode({ payload: w.params.payload }), { after });
  }
  return w.build();
}

/** Calls that may start at once. */
function fanOf(calls: number) {
  const w = workflow('fan', { params: { payload: type<object>() } });
  for (let index = 0; index < calls; index++) w.add(`echo${index}`, echoNode({ payload: w.params.payload }));
  return w.build();
}

/** One call through the bridge itself: submitted, waited for, taken. */
function callThrough(bridge: ThreadBridge, payload: object): void {
  const call: BridgeCall = {
    module,
    inputs: { payload },
    runId: '0mwqr5jsq0000bde0b56ffa0d8',
    nodeId: 'echo17',
    scope: '',
    attempt: 1,
    failures: 0,
    visit: 1,
    iterations: [],
    maxIterations: undefined,
    deadline: undefined,
    timeLeftMs: undefined,
    idempotencyKey: '0mwqr5jsq0000bde0b56ffa0d8/echo17/1',
    state: undefined,
    context: {},
    secrets: {},
  };
  let answered = false;
  bridge.submit(call, () => {
    answered = true;
  });
  while (!answered) bridge.wait(undefined);
}

/** What a call carries: some text and numbers, of about so many bytes. */
function payloadOf(bytes: number): object {
  return { id: 17, text: 'x'.repeat(bytes / 2), values: Array.from({ length: bytes / 16 }, (_, index) => index + 0.5) };
}

/**
 * Calls through the SyncBridge beside bare round trips that carry the same payload: the bridge alone, and what a module node of
 * LocalRuntime costs, one after the other and many that are ready at once.
 */
export const scenario: Scenario = {
  title: 'calls through the SyncBridge',
  sizes: [128, 16_384],
  ciSizes: [128],
  async measure(size, effort) {
    const payload = payloadOf(size);
    const bare = new BareRoundTrip();
    using bridge = new ThreadBridge();
    using local = new LocalRuntime({ bridge });
    using single = new LocalRuntime({ bridge, maxConcurrency: 1 });
    const chain = chainOf(TOGETHER);
    const fan = fanOf(TOGETHER);
    const bareCalls = (): void => {
      for (let call = 0; call < TOGETHER; call++) bare.one(payload);
    };
    const calls = (): void => {
      for (let call = 0; call < TOGETHER; call++) callThrough(bridge, payload);
    };
    const sides = [
      bareCalls,
      calls,
      () => local.execute(chain, { payload }),
      () => bare.together(payload, TOGETHER),
      () => local.execute(fan, { payload }),
      () => single.execute(fan, { payload }),
    ];
    const [one, called, node, many, nodes, singly] = (await compare(sides, effort)) as [Times, ...Times[]];
    await bare.close();
    const row = (what: string, limit: Times | undefined, ours: Times | undefined, budget?: Budget): Row => {
      const [bareOne, own] = [limit as Times, ours as Times];
      return {
        what,
        size,
        unit: 'ns',
        limit: bareOne.least / TOGETHER,
        ours: own.least / TOGETHER,
        ratio: own.least / bareOne.least,
        medianRatio: own.median / bareOne.median,
        budget,
      };
    };
    return [
      row('call through the SyncBridge', one, called, { kind: 'ratio', most: BUDGETS.bridgeCall }),
      row('module node, in a chain', one, node),
      row(`module node, ${TOGETHER} ready ones together`, many, nodes),
      row(`module node, ${TOGETHER} ready ones one by one`, many, singly),
    ];
  },
};
