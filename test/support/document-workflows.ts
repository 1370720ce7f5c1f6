// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of documents

import { z } from 'zod';
import { when } from '../../src/base/condition.js';
import { allOf, anyOf, budget, plateau, tolerance } from '../../src/base/convergence.js';
import { defineNode, variadic } from '../../src/base/node.js';
import { merge } from '../../src/base/nodes/merge.js';
import { otherwise } from '../../src/base/nodes/switch.js';
import { definePredicate } from '../../src/base/predicate.js';
import { collect, oneOf, required, template } from '../../src/base/ref.js';
import { type } from '../../src/base/schema.js';
import type { Workflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { cel, registry } from '../../src/forms/index.js';
import { jsonSchema } from '../../src/mixins/validation/json-schema.js';

const rows = defineNode({
  name: 'rows',
  version: '1',
  inputs: { count: z.number() },
  outputs: { rows: type<{ id: number; score: number }[]>(), count: type<number>() },
  run: ({ count }) => ({ rows: Array.from({ length: count }, (_, id) => ({ id, score: id / 10 })), count }),
});
const mean = defineNode({
  name: 'mean',
  version: '1.2.0',
  inputs: { rows: type<readonly { score: number }[]>() },
  outputs: { value: type<number>() },
  retry: { attempts: 2 },
  run: ({ rows: list }) => ({ value: list.reduce((sum, { score }) => sum + score, 0) / list.length }),
});
const label = defineNode({
  name: 'label',
  version: '1',
  inputs: { text: z.string(), value: type<unknown>(), options: z.object({ unit: z.string() }).optional() },
  outputs: { text: type<string>() },
  run: ({ text, value, options }) => ({ text: `${text}: ${JSON.stringify(value)}${options?.unit ?? ''}` }),
});
const fragile = defineNode({
  name: 'fragile',
  version: '1',
  inputs: { rows: type<readonly unknown[]>() },
  outputs: { value: type<number>() },
  run: ({ rows: list }) => {
    if (list.length > 3) throw Object.assign(new Error('too many'), { code: 'TOO_MANY' });
    return { value: list.length };
  },
});
const halve = defineNode({
  name: 'halve',
  version: '1',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n: n / 2 }),
});
const gather = defineNode({
  name: 'gather',
  version: '1',
  inputs: { parts: variadic(z.array(z.unknown())) },
  outputs: { parts: type<unknown>() },
  run: ({ parts }) => ({ parts }),
});
/** It says everything that governs it itself. */
const quote = defineNode({
  name: 'quote',
  version: '1',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  limit: { maxConcurrency: 4, whenFull: 'queue', maxQueueMs: 500 },
  breaker: { failures: 2, openMs: 1_000 },
  cache: { ttlMs: 60_000 },
  validation: 'strict',
  metrics: false,
  retry: { attempts: 2, retryOn: ['BUSY'] },
  run: ({ n }) => ({ n: n + 1 }),
});
const ticket = defineNode({
  name: 'ticket',
  version: '1',
  outputs: { n: type<number>() },
  state: z.number().default(0),
  run: (_, { state, setState }) => {
    setState(state + 1);
    return { n: state };
  },
});
const isOdd = definePredicate({ name: 'isOdd', version: '1', test: (n: number) => n % 2 === 1 });
const isSmall = definePredicate({ name: 'isSmall', version: '2', test: (n: number) => n < 0.1 });
const isBusy = definePredicate({
  name: 'isBusy',
  version: '1',
  test: (error: unknown) => error instanceof Error && error.message === 'busy',
});
const Unit = z.string();

/** Everything that the documents of these tests name. */
export const known = registry(rows, mean, label, fragile, halve, gather, quote, ticket)
  .register(isOdd, isSmall, isBusy)
  .registerSchema('Unit', Unit);

/** A workflow built by code, the same in YAML, and what it is run with. */
export interface InForms {
  readonly build: () => Workflow;
  readonly yaml: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly output: Readonly<Record<string, unknown>>;
}

/** Switches, joins, retries, limits, allowed failures, parameters, templates. */
const etl: InForms = {
  build: () => {
    const w = workflow('etl', {
      params: {
        count: jsonSchema<number>({ type: 'integer', minimum: 1 }),
        title: jsonSchema<string>({ type: 'string', default: 'Result' }),
        unit: jsonSchema<string>({ type: 'string' }, { optional: true }),
        extra: Unit,
      },
    });
    const read = w.add('read', rows({ count: w.params.count }));
    const route = w.switch('route', read.out.rows, {
      many: cel('size(value) > 5'),
      three: { op: '==', value: 3, path: 'length' },
      few: otherwise,
    });
    const full = w.add('full', mean({ rows: route.out.many }), {
      retry: { attempts: 3, delayMs: 1_000, backoff: 'linear', dontRetryOn: ['FATAL', isBusy] },
      timeoutMs: 10_000,
    });
    const risky = w.try('risky', fragile({ rows: read.out.rows }), { softTimeoutMs: 50, totalTimeoutMs: 90_000 });
    const stats = route.join({ many: full.out.value, three: route.out.three.at(0).at('score'), few: route.out.few });
    const text = w.add('text', label({ text: w.params.title, value: stats, options: { unit: ' $' } }), {
      after: risky,
    });
    const cost = w.add(
      'cost',
      label({ text: 'costs ${5}', value: template({ of: ['${title}/${count}', '${count}'] }, w.params) }),
    );
    w.contract('text.value', { policies: ['no-sql'] });
    return w.build({
      outputs: {
        text: text.out.text,
        cost: cost.out.text,
        code: risky.error.at('code'),
        risky: risky.join({ ok: risky.out.value, failed: risky.error.at('message') }),
        first: required(read.out.rows.path('0.id', jsonSchema<number>({ type: 'number' }))),
        spare: risky.out.value.or(w.params.unit).or({ nothing: true }),
      },
    });
  },
  yaml: `
# yaml-language-server: $schema=./node_modules/lockstep/workflow.schema.json
lockstep: 1
name: etl
params:
  count: { type: integer, minimum: 1 }
  title: { type: string, default: Result }
  unit?: { type: string }
  extra: Unit
nodes:
  read:
    use: rows@1
    config: { count: "\${count}" }
  route:
    switch: read.rows
    cases:
      many: { when: size(value) > 5 }
      three: { op: ==, value: 3, path: length }
      few: otherwise
  full:
    use: mean
    inputs: { rows: route.many }
    retry: { attempts: 3, delay: 1s, backoff: linear, dontRetryOn: [FATAL, { predicate: isBusy@1 }] }
    timeout: 10s
  risky:
    use: fragile@1
    inputs: { rows: read.rows }
    allowFailure: true
    softTimeoutMs: 50
    totalTimeout: 1m 30s
  text:
    use: label@1
    after: risky
    inputs:
      text: $params.title
      value: { join: route, cases: { few: route.few, many: full.value, three: route.three.0.score } }
    config:
      options: { unit: " $" }
  cost:
    use: label
    config:
      value: { of: ["\${title}/\${count}", "\${count}"] }
      text: costs $\${5}
contracts:
  text.value: { policies: [no-sql] }
outputs:
  text: text.text
  cost: cost.text
  code: risky.$error.code
  risky: { join: risky, cases: { ok: risky.value, failed: risky.$error.message } }
  first: { required: { from: read.rows, path: 0.id, schema: { type: number } } }
  spare: { firstOf: [{ firstOf: [risky.value, $params.unit] }, { literal: { nothing: true } }] }
`,
  params: { count: 6, extra: 'x' },
  output: {
    text: 'Result: 0.25 $',
    cost: 'costs ${5}: {"of":["Result/6",6]}',
    code: 'TOO_MANY',
    risky: 'too many',
    first: 0,
    spare: { nothing: true },
  },
};

/** Cycles, conditions of every kind. */
const fit: InForms = {
  build: () => {
    const w = workflow('fit');
    const a = w.add('a', halve({ n: 16 }));
    const b = w.add('b', halve({ n: a.out.n }));
    w.cycle('outer', {
      feedback: [b.out.n.to(a.in.n)],
      until: anyOf(
        allOf(tolerance(b.out.n, 0.01, { relative: true }), budget({ iterations: 3 })),
        plateau(b.out.n, { patience: 5, epsilon: 0.001 }),
        cel({ a: a.out.n, b: b.out.n }, 'a < 0.5 && b < a && iteration > 1'),
      ),
      maxIterations: 50,
      timeoutMs: 60_000,
      onTimeout: 'accept',
    });
    const c = w.add('c', halve({ n: b.out.n }));
    const small = w.cycle('small', {
      feedback: [c.out.n.to(c.in.n)],
      until: when(c.out.n, isSmall),
      maxIterations: 9,
      onMaxIterations: 'fail',
      keepHistory: 3,
    });
    const d = w.add('d', halve({ n: c.out.n }));
    w.cycle('pair', {
      feedback: [d.out.n.to(d.in.n)],
      until: anyOf(plateau(d.out.n, { patience: 120, mode: 'max' }), budget({ elapsedMs: 1_500 })),
      maxIterations: 2,
    });
    return w.build({
      outputs: { b: b.out.n, c: c.out.n, d: d.out.n, why: small.out.reason, turns: small.out.iterations },
    });
  },
  yaml: `
lockstep: 1
name: fit
nodes:
  a: { use: halve, config: { n: 16 } }
  b: { use: halve, inputs: { n: a.n } }
  c: { use: halve, inputs: { n: b.n } }
  d: { use: halve, inputs: { n: c.n } }
cycles:
  outer:
    feedback: { a.n: b.n }
    until:
      anyOf:
        - allOf: [{ tolerance: b.n, epsilon: 0.01, relative: true }, { budget: { iterations: 3 } }]
        - { plateau: b.n, patience: 5, epsilon: 0.001 }
        - { when: a < 0.5 && b < a && iteration > 1, over: { a: a.n, b: b.n } }
    maxIterations: 50
    timeout: 1m
    onTimeout: accept
  small:
    feedback: { c.n: c.n }
    until: { predicate: isSmall, of: c.n }
    maxIterations: 9
    onMaxIterations: fail
    keepHistory: 3
  pair:
    feedback: { d.n: d.n }
    until:
      anyOf: [{ plateau: d.n, patience: 120, mode: max }, { budget: { elapsed: 1.5s } }]
    maxIterations: 2
outputs: { b: b.n, c: c.n, d: d.n, why: small.reason, turns: small.iterations }
`,
  params: {},
  output: { b: 0.0625, c: 0.03125, d: 0.0078125, why: 'converged', turns: 1 },
};

/** Partitions, merges, several connections, boolean switches, join rules. */
const lists: InForms = {
  build: () => {
    const w = workflow('lists');
    const read = w.add('read', rows({ count: 4 }));
    const split = w.partition('split', read.out.rows, { high: { op: '>', value: 0.1, path: 'score' }, low: otherwise });
    const both = w.add('both', merge.concat(collect(split.out.low, split.out.high)));
    const keyed = w.add(
      'keyed',
      merge.byKey({ left: split.out.high, right: read.out.rows }, { key: { left: 'id', right: 'id' }, how: 'outer' }),
    );
    const zipped = w.add('zipped', merge.zip({ a: split.out.low, b: split.out.high }, { lengths: 'shortest' }));
    const all = w.switch('all', read.out.count, { odd: isOdd, even: otherwise }, { mode: 'all' });
    const one = w.add('one', label({ text: 'one', value: oneOf(all.out.odd, all.out.even) }));
    const any = w.node('any', gather, {}, { join: 'any' });
    w.connect(all.out.odd, 'any.parts').connect('one.text', 'any.parts').connect('read.rows.1.id', 'any.parts');
    return w.build({
      outputs: {
        both: both.out.value,
        keyed: keyed.out.value,
        zipped: zipped.out.value,
        one: one.out.text,
        any: any.out.parts,
      },
    });
  },
  yaml: `
lockstep: 1
name: lists
nodes:
  read: { use: rows, config: { count: 4 } }
  split:
    switch: read.rows
    mode: partition
    cases:
      high: { op: ">", value: 0.1, path: score }
      low: otherwise
  both: { merge: concat, inputs: { lists: { collect: [split.low, split.high] } } }
  keyed:
    merge: byKey
    config: { key: { left: id, right: id }, how: outer }
    inputs: { left: split.high, right: read.rows }
  zipped: { merge: zip, inputs: { a: split.low, b: split.high }, config: { lengths: shortest } }
  all:
    switch: read.count
    mode: all
    cases: { odd: { predicate: isOdd }, even: otherwise }
  one:
    use: label
    config: { text: one }
    inputs: { value: { oneOf: [all.odd, all.even] } }
  any:
    use: gather
    join: any
    inputs: { parts: [all.odd, one.text, read.rows.1.id] }
outputs: { both: both.value, keyed: keyed.value, zipped: zipped.value, one: one.text, any: any.parts }
`,
  params: {},
  output: {
    both: [
      { id: 0, score: 0 },
      { id: 1, score: 0.1 },
      { id: 2, score: 0.2 },
      { id: 3, score: 0.3 },
    ],
    keyed: [
      { key: 2, left: { id: 2, score: 0.2 }, right: { id: 2, score: 0.2 } },
      { key: 3, left: { id: 3, score: 0.3 }, right: { id: 3, score: 0.3 } },
      { key: 0, right: { id: 0, score: 0 } },
      { key: 1, right: { id: 1, score: 0.1 } },
    ],
    zipped: [
      { a: { id: 0, score: 0 }, b: { id: 2, score: 0.2 } },
      { a: { id: 1, score: 0.1 }, b: { id: 3, score: 0.3 } },
    ],
    one: 'one: 4',
    any: ['one: 4', 1],
  },
};

function doubled() {
  const w = workflow('doubled', { params: { n: jsonSchema<number>({ type: 'number' }) } });
  const first = w.add('first', quote({ n: w.params.n }), { limit: { maxConcurrency: 1 }, metrics: true });
  return w.build({ outputs: { n: first.out.n } });
}

/** Limits, breakers, caches, levels of validation, metrics: on nodes of every kind, as their definition says and otherwise. */
const governed: InForms = {
  build: () => {
    const w = workflow('governed', { params: { list: type<number[]>() } });
    const plain = w.add('plain', quote({ n: 1 }));
    const alike = w.add('alike', quote({ n: plain.out.n }), {
      limit: { whenFull: 'queue', maxQueueMs: 500, maxConcurrency: 4 },
      breaker: { openMs: 1_000, failures: 2 },
      cache: { ttlMs: 60_000 },
      validation: 'strict',
      metrics: false,
      retry: { attempts: 2, backoff: 'exponential', retryOn: ['BUSY'] },
    });
    const other = w.add('other', quote({ n: alike.out.n }), {
      limit: {
        rate: { count: 10, perMs: 1_000, burst: 20 },
        per: 'tenant',
        whenFull: 'queue',
        maxQueued: 100,
        maxQueueMs: 5_000,
      },
      breaker: { rate: 0.5, windowSize: 10, openMs: 90_000, successes: 1 },
      cache: {},
      validation: 'off',
      metrics: true,
      retry: { attempts: 3, backoff: 'fixed', delayMs: 250 },
    });
    const odd = w.switch('odd', other.out.n, { odd: isOdd, even: otherwise }, { validation: 'warn', metrics: true });
    const all = w.map('all', w.params.list, (n) => quote({ n }), { validation: 'strict', metrics: false });
    const twice = w.add('twice', doubled()({ n: 5 }), { metrics: false, validation: 'off' });
    const both = w.add('both', merge.concat(collect(all.out.n, all.out.n)), {
      limit: { rate: { count: 2, perMs: 0.5 } },
      breaker: {},
      cache: { ttlMs: 7_200_000 },
      metrics: false,
    });
    return w.build({ outputs: { both: both.out.value, twice: twice.out.n, odd: odd.out.odd, even: odd.out.even } });
  },
  yaml: `
lockstep: 1
name: governed
params: { list: {} }
workflows:
  doubled:
    params: { n: { type: number } }
    nodes:
      first: { use: quote@1, inputs: { n: $params.n }, limit: { maxConcurrency: 1 }, metrics: true }
    outputs: { n: first.n }
nodes:
  plain: { use: quote, config: { n: 1 } }
  alike:
    use: quote
    inputs: { n: plain.n }
    limit: { maxConcurrency: 4, whenFull: queue, maxQueue: 500ms }
    breaker: { failures: 2, open: 1s }
    cache: { ttl: 1m }
    validation: strict
    metrics: false
    retry: { attempts: 2, retryOn: [BUSY] }
  other:
    use: quote
    inputs: { n: alike.n }
    limit: { rate: { count: 10, per: 1s, burst: 20 }, per: tenant, whenFull: queue, maxQueued: 100, maxQueue: 5s }
    breaker: { rate: 0.5, windowSize: 10, open: 1m 30s, successes: 1 }
    cache: {}
    validation: off
    metrics: true
    retry: { attempts: 3, backoff: fixed, delay: 250ms }
  odd:
    switch: other.n
    cases: { odd: { predicate: isOdd }, even: otherwise }
    validation: warn
    metrics: true
  all: { map: quote, over: $params.list, inputs: { n: $item }, validation: strict, metrics: false }
  twice: { workflow: doubled, config: { n: 5 }, metrics: false, validation: off }
  both:
    merge: concat
    inputs: { lists: { collect: [all.n, all.n] } }
    limit: { rate: { count: 2, perMs: 0.5 } }
    breaker: {}
    cache: { ttl: 2h }
    metrics: false
outputs: { both: both.value, twice: twice.n, odd: odd.odd, even: odd.even }
`,
  params: { list: [11, 12] },
  output: { both: [12, 13, 12, 13], twice: 6, even: 4 },
};

/** Workflows in all forms, by name. */
export const inForms: Readonly<Record<string, InForms>> = { etl, fit, lists, governed };
