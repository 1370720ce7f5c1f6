import { isRecord } from '../record.js';

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

const isText: Check = (value) => typeof value === 'string';
const isKind: Check = (value) => typeof value === 'string' && /^[a-z]+\.[a-z_]+$/.test(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isTime: Check = (value) => Number.isFinite(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

const ENDED: readonly unknown[] = ['completed', 'failed', 'cancelled'];
const STATUSES: readonly unknown[] = ['pending', 'running', 'waiting', ...ENDED];

const RUN: Shape = {
  runId: (value) => isText(value) && value !== '',
  workflow: isText,
  workflowHash: isText,
  status: (value) => STATUSES.includes(value),
  startedAt: isTime,
  endedAt: orNull(isTime),
  errorCode: orNull(isText),
  wakeAt: orNull(isTime),
  forkedFrom: orNull((value) => isRecord(value) && isText(value.runId) && isCount(value.events)),
  events: isCount,
};
const WORKFLOW: Shape = { hash: isText, name: isText, description: isText };
const EVENT: Shape = { seq: isCount, ts: isTime, kind: isKind, v: isCount, key: orNull(isText), data: isText };
const BLOB: Shape = { hash: isText, text: isText };

function misfit(value: unknown, shape: Shape, at: string): string | undefined {
  if (!isRecord(value)) return at;
  const wrong = Object.entries(shape).find(([name, check]) => !check(value[name]));
  return wrong === undefined ? undefined : `${at}.${wrong[0]}`;
}

function misfitIn(list: unknown, shape: Shape, at: string): string | undefined {
  if (!Array.isArray(list)) return at;
  for (const [index, item] of list.entries()) {
    const found = misfit(item, shape, `${at}[${index}]`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The path of the first thing in an exported run that a store could not take: a checksum says that it was not changed, not who made
 * it. `undefined` where there is none.
 */
export function misfitOfExport(data: Readonly<Record<string, unknown>>): string | undefined {
  const { run, workflow, former, events, blobs } = data;
  const found =
    misfit(run, RUN, 'run') ??
    misfit(workflow, WORKFLOW, 'workflow') ??
    misfitIn(former, WORKFLOW, 'former') ??
    misfitIn(events, EVENT, 'events') ??
    misfitIn(blobs, BLOB, 'blobs');
  if (found !== undefined) return found;
  const { status, endedAt, events: count } = run as Readonly<Record<string, unknown>>;
  if (ENDED.includes(status) !== (endedAt !== null)) return 'run.endedAt';
  return count === (events as readonly unknown[]).length ? undefined : 'run.events';
}
