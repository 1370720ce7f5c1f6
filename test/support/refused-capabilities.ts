import { a, type RefusedDocument } from './refused-document.js';

/** A node `b` beside `a` that has these capabilities. */
function b(capabilities: string): string {
  return `${a}  b: { use: halve, inputs: { n: a.n }, ${capabilities} }`;
}

/** The column in which capabilities of `b` begin. */
const START = 40;

function refused(
  capabilities: string,
  what: Omit<RefusedDocument, 'yaml' | 'line' | 'column'> & { readonly points: string },
): RefusedDocument {
  const { points, ...rest } = what;
  return { ...rest, yaml: b(capabilities), line: 5, column: START + capabilities.indexOf(points) };
}

/** Documents whose nodes are governed by what cannot be, wrong in one place each. */
export const refusedCapabilities: Readonly<Record<string, RefusedDocument>> = {
  'an unknown option of a retry': refused('retry: { atempts: 2 }', {
    code: 'UNKNOWN_KEY',
    at: 'nodes.b.retry.atempts',
    points: 'atempts',
    says: 'there is no key "atempts". Did you mean "attempts"?',
    schema: 'refuses',
  }),
  'a backoff that does not exist': refused('retry: { backoff: linaer }', {
    code: 'INVALID_OPTION',
    at: 'nodes.b.retry.backoff',
    points: 'linaer',
    says: 'node "b".retry.backoff must be one of "fixed", "linear", "exponential", or { strategy: name } for one that was registered.',
    schema: 'refuses',
  }),
  'an unknown option of a backoff': refused('retry: { backoff: { stratgy: steady } }', {
    code: 'UNKNOWN_KEY',
    at: 'nodes.b.retry.backoff.stratgy',
    points: 'stratgy',
    says: 'there is no key "stratgy". Did you mean "strategy"?',
    schema: 'refuses',
  }),
  'a backoff without a strategy': refused('retry: { backoff: {} }', {
    code: 'INVALID_DOCUMENT',
    at: 'nodes.b.retry.backoff',
    points: '{}',
    says: '"strategy" is missing.',
    schema: 'refuses',
  }),
  'a strategy without a name': refused('retry: { backoff: { strategy: "" } }', {
    code: 'INVALID_OPTION',
    at: 'nodes.b.retry.backoff.strategy',
    points: '""',
    says: 'node "b".retry.backoff.strategy must be the name of a registered strategy.',
    schema: 'refuses',
  }),
  'a limit that is a number': refused('limit: 3', {
    code: 'INVALID_DOCUMENT',
    at: 'nodes.b.limit',
    points: '3',
    says: 'expected an object, found a number.',
    schema: 'refuses',
  }),
  'an unknown option of a limit': refused('limit: { maxConcurency: 3 }', {
    code: 'UNKNOWN_KEY',
    at: 'nodes.b.limit.maxConcurency',
    points: 'maxConcurency',
    says: 'there is no key "maxConcurency". Did you mean "maxConcurrency"?',
    schema: 'refuses',
  }),
  'a limit that limits nothing': refused('limit: { per: tenant }', {
    code: 'INVALID_OPTION',
    at: 'nodes.b.limit',
    points: '{ per',
    says: 'node "b".limit needs maxConcurrency or rate: without one it limits nothing.',
    schema: 'refuses',
  }),
  'a limit of none': refused('limit: { maxConcurrency: 0 }', {
    code: 'INVALID_OPTION',
    at: 'nodes.b.limit.maxConcurrency',
    points: '0',
    says: 'node "b".limit.maxConcurrency must be a whole number of at least 1.',
    schema: 'refuses',
  }),
  'a limit with a queue that it does not use': refused('limit: { maxConcurrency: 1, maxQueue: 5s }', {
    code: 'INVALID_OPTION',
    at: 'nodes.b.limit.maxQueueMs',
    points: '5s',
    says: 'node "b".limit.maxQueueMs goes with whenFull: \'queue\' only.',
    schema: 'refuses',
  }),
  'a limit with a queue that is counted, and not used': refused(
    'limit: { maxConcurrency: 1, whenFull: defer, maxQueued: 5 }',
    {
      code: 'INVALID_OPTION',
      at: 'nodes.b.limit.maxQueued',
      points: '5 }',
      says: 'node "b".limit.maxQueued goes with whenFull: \'queue\' only.',
      schema: 'refuses',
    },
  ),
  'a rate that is a number': refused('limit: { rate: 10 }', {
    code: 'INVALID_DOCUMENT',
    at: 'nodes.b.limit.rate',
    points: '10',
    says: 'expected an object, found a number.',
    schema: 'refuses',
  }),
  'an unknown option of a rate': refused('limit: { rate: { count: 1, per: 1s, brust: 2 } }', {
    code: 'UNKNOWN_KEY',
    at: 'nodes.b.limit.rate.brust',
    points: 'brust',
    says: 'there is no key "brust". Did you mean "burst"?',
    schema: 'refuses',
  }),
  'a rate without a period': refused('limit: { rate: { count: 1 } }', {
    code: 'INVALID_OPTION',
    at: 'nodes.b.limit.rate',
    points: '{ count',
    says: 'node "b".limit.rate needs perMs.',
    schema: 'refuses',
  }),
  'a rate with a period that is no duration': refused('limit: { rate: { count: 1, per: second } }', {
    code: 'INVALID_DOCUMENT',
    at: 'nodes.b.limit.rate.per',
    points: 'second',
    says: 'a duration is a number with a unit: "500ms", "10s", "1m 30s", "2h" or "1d".',
    schema: 'refuses',
  }),
  'a rate with two periods': refused('limit: { rate: { count: 1, perMs: 1000, per: 1s } }', {
    code: 'INVALID_DOCUMENT',
    at: 'nodes.b.limit.rate.per',
    points: '1s',
    says: 'there is "perMs" too: use one of the two.',
    schema: 'refuses',
  }),
  'a rate with a negative period': refused('limit: { rate: { count: 1, perMs: -1 } }', {
    code: 'INVALID_OPTION',
    at: 'nodes.b.limit.rate.perMs',
    points: '-1',
    says: 'node "b".limit.rate.perMs must be a finite number of milliseconds > 0.',
    schema: 'refuses',
  }),
  'a breaker that counts both failures and their share': refused('breaker: { failures: 3, rate: 0.5 }', {
    code: 'INVALID_OPTION',
    at: 'nodes.b.breaker.rate',
    points: '0.5',
    says: 'node "b".breaker.rate does not go with failures: the breaker counts one of the two.',
    schema: 'refuses',
  }),
  'a breaker with a window for nothing': refused('breaker: { windowSize: 5 }', {
    code: 'INVALID_OPTION',
    at: 'nodes.b.breaker.windowSize',
    points: '5',
    says: 'node "b".breaker.windowSize goes with rate only.',
    schema: 'refuses',
  }),
  'an unknown option of a breaker': refused('breaker: { faliures: 5 }', {
    code: 'UNKNOWN_KEY',
    at: 'nodes.b.breaker.faliures',
    points: 'faliures',
    says: 'there is no key "faliures". Did you mean "failures"?',
    schema: 'refuses',
  }),
  'a cache that keeps nothing': refused('cache: { ttlMs: 0 }', {
    code: 'INVALID_OPTION',
    at: 'nodes.b.cache.ttlMs',
    points: '0',
    says: 'node "b".cache.ttlMs must be a finite number of milliseconds > 0.',
    schema: 'refuses',
  }),
  'a cache that is a flag': refused('cache: true', {
    code: 'INVALID_DOCUMENT',
    at: 'nodes.b.cache',
    points: 'true',
    says: 'expected an object, found a boolean.',
    schema: 'refuses',
  }),
  'an unknown option of a cache': refused('cache: { max: 5 }', {
    code: 'UNKNOWN_KEY',
    at: 'nodes.b.cache.max',
    points: 'max',
    says: 'there is no key "max". Known: "ttlMs".',
    schema: 'refuses',
  }),
  'a cache of a node with state': {
    yaml: `${a}  b: { use: ticket, cache: { ttl: 1h } }`,
    code: 'INVALID_OPTION',
    at: 'nodes.b.cache',
    line: 5,
    column: 28,
    says: 'node "b".cache does not go with state: its outputs depend on more than its inputs.',
    schema: 'accepts',
  },
  'a level of validation that does not exist': refused('validation: strickt', {
    code: 'INVALID_DOCUMENT',
    at: 'nodes.b.validation',
    points: 'strickt',
    says: '"strickt" is not known here. Did you mean "strict"?',
    schema: 'refuses',
  }),
  'metrics that are no flag': refused('metrics: none', {
    code: 'INVALID_DOCUMENT',
    at: 'nodes.b.metrics',
    points: 'none',
    says: 'expected true or false, found a string.',
    schema: 'refuses',
  }),
  'a limit of a switch': {
    yaml: `${a}  b: { switch: a.n, cases: { all: otherwise }, limit: { maxConcurrency: 1 } }`,
    code: 'INVALID_OPTION',
    at: 'nodes.b.limit',
    line: 5,
    column: 55,
    says: 'node "b".limit does not go with a switch: it is for nodes that call a function.',
    schema: 'refuses',
  },
  'a breaker of a map': {
    yaml: `${a}  b: { map: halve, over: a.n, inputs: { n: $item }, breaker: {} }`,
    code: 'INVALID_OPTION',
    at: 'nodes.b.breaker',
    line: 5,
    column: 62,
    says: 'node "b".breaker does not go with a map: it is for nodes that call a function.',
    schema: 'refuses',
  },
  'a cache of a workflow': {
    yaml: `${a}  b: { workflow: one, cache: {} }
workflows: { one: { nodes: { x: { use: halve, config: { n: 1 } } } } }`,
    code: 'INVALID_OPTION',
    at: 'nodes.b.cache',
    line: 5,
    column: 30,
    says: 'node "b".cache does not go with a subworkflow: it is for nodes that call a function.',
    schema: 'refuses',
  },
  'a limit in a workflow of the document': {
    yaml: `${a}workflows:
  one: { nodes: { a: { use: halve, config: { n: 1 }, limit: { rate: { count: 0, per: 1s } } } } }`,
    code: 'INVALID_OPTION',
    at: 'workflows.one.nodes.a.limit.rate.count',
    line: 6,
    column: 78,
    says: 'node "a".limit.rate.count must be a whole number of at least 1.',
    schema: 'refuses',
  },
  'metrics of a gate': {
    yaml: `${a}  b: { gate: true, metrics: false }`,
    code: 'UNKNOWN_KEY',
    at: 'nodes.b.metrics',
    line: 5,
    column: 20,
    says: 'there is no key "metrics". Known: "gate", "shows", "config", "answer", "timeoutMs", "after", "join".',
    schema: 'refuses',
  },
};
