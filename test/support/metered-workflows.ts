import { when } from '../../src/base/condition.js';
import { defineNode } from '../../src/base/node.js';
import { otherwise } from '../../src/base/nodes/switch.js';
import { type } from '../../src/base/schema.js';
import type { Workflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A node that takes some virtual time and passes a number on. */
export function taking(clock: VirtualClock, name: string, ms: number) {
  return defineNode({
    name,
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    run: ({ n }) => {
      clock.advance(ms);
      return { n };
    },
  });
}

/** An error with a code of its own. */
export function coded(code: string): Error {
  return Object.assign(new Error(`${code} went wrong`), { code });
}

/** 100 ms and 200 ms, one after the other. */
export function straight(clock: VirtualClock): Workflow {
  const w = workflow('straight');
  const a = w.add('a', taking(clock, 'read', 100)({ n: 1 }));
  const b = w.add('b', taking(clock, 'write', 200)({ n: a.out.n }));
  return w.build({ outputs: { n: b.out.n } });
}

/** 50 ms, then 25 ms in the branch that is taken; the other one is skipped. */
export function branching(clock: VirtualClock): Workflow {
  const w = workflow('branching');
  const a = w.add('a', taking(clock, 'read', 50)({ n: 1 }));
  const route = w.switch('route', a.out.n, { many: (n) => n > 10, few: otherwise });
  w.add('many', taking(clock, 'full', 1_000)({ n: route.out.many }));
  w.add('few', taking(clock, 'rough', 25)({ n: route.out.few }));
  return w.build();
}

/** Three visits of 10 ms. */
export function cycling(clock: VirtualClock): Workflow {
  const w = workflow('cycling');
  const step = w.add(
    'step',
    defineNode({
      name: 'step',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      run: ({ n }) => {
        clock.advance(10);
        return { n: n + 1 };
      },
    })({ n: 0 }),
  );
  w.cycle('fit', {
    feedback: [step.out.n.to(step.in.n)],
    until: when(step.out.n, (n) => n === 3),
    maxIterations: 9,
  });
  return w.build();
}

/** Fails twice after 100 ms with FLAKY, waits 1 s each time, then completes after 100 ms. */
export function retrying(clock: VirtualClock): Workflow {
  const w = workflow('retrying');
  const flaky = defineNode({
    name: 'flaky',
    outputs: { n: type<number>() },
    retry: { attempts: 3, delayMs: 1_000, backoff: 'fixed' },
    run: (_, { attempt }) => {
      clock.advance(100);
      if (attempt < 3) throw coded('FLAKY');
      return { n: attempt };
    },
  });
  w.add('flaky', flaky());
  return w.build();
}

/** Fails after 20 ms with an error whose code no label may show. */
export function failing(clock: VirtualClock): Workflow {
  const w = workflow('failing');
  w.fn('bad', {}, () => {
    clock.advance(20);
    throw coded('no such customer: jane@example.com');
  });
  return w.build();
}

/** A map of three items of 10 ms each, then a subworkflow of 40 ms. */
export function nesting(clock: VirtualClock): Workflow {
  const inner = workflow('inner', { params: { n: type<number>() } });
  const only = inner.add('only', taking(clock, 'slow', 40)({ n: inner.params.n }));
  const child = inner.build({ outputs: { n: only.out.n } });
  const w = workflow('nesting');
  const list = w.fn('list', {}, () => [1, 2, 3]);
  const all = w.map('all', list.out.value, (n) => taking(clock, 'enrich', 10)({ n }), { maxConcurrency: 1 });
  const total = w.fn('total', { list: all.out.n }, ({ list }) => list.length);
  w.add('short', child({ n: total.out.value }));
  return w.build();
}

/** Aborts its own run after 30 ms; what follows never starts. */
export function cancelling(clock: VirtualClock, controller: AbortController): Workflow {
  const w = workflow('cancelling');
  const a = w.fn('a', {}, () => {
    clock.advance(30);
    controller.abort('enough');
    return 1;
  });
  w.fn('b', { n: a.out.value }, ({ n }) => n);
  return w.build();
}

/** 10 ms, then a gate. */
export function gated(clock: VirtualClock): Workflow {
  const w = workflow('gated');
  const a = w.add('a', taking(clock, 'read', 10)({ n: 1 }));
  const ok = w.gate('ok', { shows: { n: a.out.n } });
  w.fn('b', { answer: ok.out.approved }, () => 1);
  return w.build();
}
