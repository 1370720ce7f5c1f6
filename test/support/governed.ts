import { defineNode } from '../../src/base/node.js';
import type { NodeCapabilities, UseOptions } from '../../src/base/node-options.js';
import type { AttemptEnded, BreakerChanged } from '../../src/base/notifications.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { type Runner, WAYS, type Way } from './every-way.js';
import { Session } from './session.js';

/** The ways in which nodes run one after the other: what is shared between them is asked in one order. */
export const ONE_BY_ONE: readonly Way[] = WAYS.filter((way) => way !== 'async runtime, async nodes');

/** A node that fails where its input says so, and how often it was called. */
export function fetching(capabilities: NodeCapabilities = {}, name = 'fetch') {
  const calls: string[] = [];
  const node = defineNode({
    name,
    version: '1',
    inputs: { how: type<string>() },
    outputs: { got: type<string>() },
    ...capabilities,
    run: ({ how }) => {
      calls.push(how);
      if (how.startsWith('fail')) throw Object.assign(new Error(how), { code: 'E_FETCH' });
      return { got: how };
    },
  });
  return { node, calls };
}

/** A workflow `w` of one node `step`, which is told through the parameter `how` what to do. */
export function single({ node }: Pick<ReturnType<typeof fetching>, 'node'>, options: UseOptions = {}) {
  const w = workflow('w', { params: { how: type<string>() } });
  const step = w.try('step', node({ how: w.params.how }), options);
  return w.build({ outputs: { got: step.out.got.or('nothing') } });
}

/** A runtime that stays open, and what it told of breakers and attempts. */
export async function withSession(
  run: Runner,
  options: ConstructorParameters<typeof Session>[1],
  body: (
    session: Session,
    heard: { readonly breakers: BreakerChanged[]; readonly attempts: AttemptEnded[] },
  ) => unknown,
): Promise<void> {
  const session = new Session(run, options);
  const heard = { breakers: [] as BreakerChanged[], attempts: [] as AttemptEnded[] };
  session.runtime.on('breaker', (change) => heard.breakers.push(change));
  session.runtime.on('attempt', (attempt) => heard.attempts.push(attempt));
  await body(session, heard);
  await session.close();
}

/** Settles a workflow of `single` several times, and says how its node went: its output, or the code of its error. */
export async function tell(
  session: Session,
  flow: ReturnType<typeof single>,
  ...hows: readonly string[]
): Promise<readonly string[]> {
  const told: string[] = [];
  for (const how of hows) {
    const outcome = await session.settle(flow, { how });
    if (outcome.status === 'rejected') throw outcome.error;
    const node = outcome.node('step');
    told.push(node.error?.code ?? `${outcome.results.get('step')?.got}`);
  }
  return told;
}

/** The workflow `w` of one node `step`, which always fails with what `error` makes. */
export function failing(capabilities: NodeCapabilities = {}, error: () => unknown = () => new Error('again')) {
  const node = defineNode({
    name: 'failing',
    version: '1',
    outputs: { n: type<number>() },
    ...capabilities,
    run: () => {
      throw error();
    },
  });
  const w = workflow('w');
  w.add('step', node({}));
  return w.build();
}

/** What became of the node `step`: the waits between its attempts, then the code of its error. */
export async function waitsOf(session: Session, flow: ReturnType<typeof failing>): Promise<readonly unknown[]> {
  const from = session.events.length;
  const outcome = await session.settle(flow);
  if (outcome.status !== 'failed') throw new Error(outcome.status);
  const starts = session.events
    .slice(from)
    .flatMap(({ kind, ts, data }) => (kind === 'attempt.started' && data.node === 'step' ? [ts] : []));
  const waits = starts.slice(1).map((at, index) => at - (starts[index] as number));
  return [...waits, outcome.error.failure.code];
}
