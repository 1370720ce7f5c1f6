import fc from 'fast-check';
import type { BreakerOptions, CacheOptions, LimitOptions } from '../../src/base/capability-options.js';
import { CAPABILITY_FIELDS, type NodeCapabilities, type RetryOptions } from '../../src/base/node-options.js';
import type { Backoff, WorkflowData } from '../../src/base/workflow-data.js';

/** The capabilities of every node of a workflow and of what runs in it, by the way to the node. */
export function capabilitiesIn({ nodes }: WorkflowData, scope = ''): Readonly<Record<string, NodeCapabilities>> {
  const all = nodes.flatMap((node) => {
    const own = Object.entries(node).filter(([name]) => CAPABILITY_FIELDS.includes(name));
    const inner = node.child === undefined ? {} : capabilitiesIn(node.child, `${scope}${node.id}/`);
    return [[`${scope}${node.id}`, Object.fromEntries(own)] as const, ...Object.entries(inner)];
  });
  return Object.fromEntries(all);
}

/** The strategy that random retries name. */
export const STRATEGY = 'steady';

const count = fc.integer({ min: 1, max: 40 });
const ms = fc.oneof(
  fc.constantFrom(1, 250, 1_000, 90_000, 7_200_000, 86_400_000, 0.5),
  fc.integer({ min: 1, max: 9_999 }),
);
const some = <T extends object>(record: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }, needed: (keyof T)[] = []) =>
  fc.record(record, { requiredKeys: needed }) as unknown as fc.Arbitrary<T>;

const rate = some<NonNullable<LimitOptions['rate']>>({ count, perMs: ms, burst: count }, ['count', 'perMs']);
const per = fc.constantFrom('tenant', 'user');
const queue = some<LimitOptions>(
  { maxConcurrency: count, rate, per, whenFull: fc.constant('queue'), maxQueued: count, maxQueueMs: ms },
  ['maxConcurrency', 'whenFull'],
);
const other = some<LimitOptions>({ maxConcurrency: count, rate, per, whenFull: fc.constantFrom('reject', 'defer') }, [
  'rate',
]);
const counted = some<BreakerOptions>({ failures: count, openMs: ms, successes: count });
const shared = some<BreakerOptions>(
  { rate: fc.constantFrom(0.1, 0.5, 1), windowSize: count, openMs: ms, successes: count },
  ['rate'],
);
const retry = some<RetryOptions>({
  attempts: fc.integer({ min: 1, max: 3 }),
  backoff: fc.constantFrom<Backoff[]>('fixed', 'linear', 'exponential', { strategy: STRATEGY }),
  delayMs: ms,
  maxDelayMs: ms,
  jitter: fc.constantFrom(0, 0.5),
});

const anywhere = {
  validation: fc.constantFrom('off' as const, 'warn' as const, 'strict' as const),
  metrics: fc.boolean(),
  retry,
};

/** Capabilities that any node may have. */
export const randomCapabilities = some<NodeCapabilities>(anywhere);

/** Capabilities that a node may have which calls a function. */
export const randomCallCapabilities = some<NodeCapabilities>({
  ...anywhere,
  limit: fc.oneof(queue, other),
  breaker: fc.oneof(counted, shared),
  cache: some<CacheOptions>({ ttlMs: ms }),
});
