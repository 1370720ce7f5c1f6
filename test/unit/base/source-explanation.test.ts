import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { oneOf, required } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { both } from '../../support/both.js';

const reader = defineNode({
  name: 'reader',
  inputs: { x: type<unknown>() },
  outputs: { x: type<unknown>() },
  run: ({ x }) => ({ x }),
});

describe('Why a node did not run', () => {
  it('is a parameter that was not passed, where that is the first of its sources', async () => {
    const build = () => {
      const w = workflow('w', { params: { n: type<number>(), note: z.string().optional() } });
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: otherwise });
      w.add('a', reader({ x: oneOf(w.params.note as never, route.out.big) }));
      w.add('b', reader({ x: oneOf(route.out.big, w.params.note as never) }));
      return w.build();
    };
    const run = await both(build, { params: { n: 1 } });
    expect(run.nodes).to.deep.equal({ route: 'completed', a: 'skipped', b: 'skipped' });
    expect(run.reasons.a).to.deep.equal({
      code: 'never_live',
      input: 'a.x',
      source: 'note',
      root: { subject: 'note', port: null, code: 'never_live' },
    });
    expect(run.reasons.b).to.deep.equal({
      code: 'branch_not_taken',
      input: 'b.x',
      source: 'route.big',
      root: { subject: 'route', port: 'big', code: 'branch_not_taken' },
    });
  });

  it('is the failure of what it requires, also by a path', async () => {
    const build = () => {
      const w = workflow('w');
      const bad = w.fn('bad', {}, (): { a: number } => {
        throw new Error('bad');
      });
      w.add('whole', reader({ x: required(bad.out.value) }));
      w.add('part', reader({ x: required(bad.out.value.at('a')) }));
      return w.build();
    };
    const run = await both(build);
    const root = { subject: 'bad', port: null, code: 'upstream_failed' };
    for (const id of ['whole', 'part'])
      expect(run.reasons[id]).to.deep.equal({ code: 'upstream_failed', input: `${id}.x`, source: 'bad.value', root });
  });

  it('is a port that a subworkflow did not deliver', async () => {
    const build = () => {
      const inner = workflow('inner', { params: { n: type<number>() } });
      const route = inner.switch('route', inner.params.n, { big: (n) => n > 10, small: otherwise });
      const child = inner.build({ outputs: { big: route.out.big, small: route.out.small } });
      const w = workflow('w');
      const sub = w.add('sub', child({ n: 1 }));
      w.add('big', reader({ x: sub.out.big }));
      w.add('small', reader({ x: sub.out.small }));
      return w.build();
    };
    const run = await both(build);
    expect(run.nodes).to.deep.equal({ sub: 'completed', big: 'skipped', small: 'completed' });
    expect(run.reasons.big).to.deep.equal({
      code: 'not_delivered',
      input: 'big.x',
      source: 'sub.big',
      root: { subject: 'sub', port: 'big', code: 'not_delivered' },
    });
  });
});
