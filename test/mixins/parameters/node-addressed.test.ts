import { expect } from 'chai';
import { z } from 'zod';
import type { InputHandle } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { both, type Outcome } from '../../support/both.js';
import { give, take } from '../../support/nodes.js';

function build() {
  const w = workflow('addressed');
  const source = w.add('source', give(1));
  const h = w.add('h', take(z.number())({ x: source.out.v }));
  const other = w.add('other', take(z.number())({ x: source.out.v }));
  return {
    input: h.in.x as InputHandle<unknown>,
    built: w.build({ outputs: { h: h.out.seen, other: other.out.seen } }),
  };
}

const built = () => build().built;

describe('A node-addressed parameter', () => {
  it('may be given through a handle', async () => {
    const run = await both(built, { run: { set: [build().input.is(5)] } });
    expect(run.output).to.deep.equal({ h: 5, other: 1 });
  });

  it('may be given as plain data', async () => {
    const run = await both(built, { run: { set: { h: { x: 5 } } } });
    expect(run.output).to.deep.equal({ h: 5, other: 1 });
  });

  it('may be mixed into the parameters', async () => {
    const run = await both(built, { params: { h: { x: 5 } } });
    expect(run.output).to.deep.equal({ h: 5, other: 1 });
    expect(run.warnings).to.deep.equal([]);
  });

  it('may be mixed into declared parameters', async () => {
    const run = await both(
      () => {
        const w = workflow('mixed', { params: { p: z.number() } });
        const a = w.add('a', take(z.number())({ x: w.params.p }));
        const b = w.add('b', take(z.number())({ x: w.params.p }));
        return w.build({ outputs: { a: a.out.seen, b: b.out.seen } });
      },
      { params: { p: 1, b: Object.assign(Object.create(null), { x: 2 }) } },
    );
    expect(run.output).to.deep.equal({ a: 1, b: 2 });
  });

  it('given in the options beats one that is mixed into the parameters', async () => {
    const run = await both(built, { params: { h: { x: 5 } }, run: { set: { h: { x: 6 } } } });
    expect(run.output).to.deep.equal({ h: 6, other: 1 });
  });

  it('of several nodes and inputs go where they are addressed', async () => {
    const run = await both(built, { run: { set: [build().input.is(5), { node: 'other', port: 'x', value: 7 }] } });
    expect(run.output).to.deep.equal({ h: 5, other: 7 });
  });

  it('reaches inputs without any schema, too', async () => {
    const run = await both(
      () => {
        const w = workflow('unchecked');
        const source = w.add('source', give(1));
        const h = w.add('h', take(type<number>())({ x: source.out.v }));
        return w.build({ outputs: { h: h.out.seen } });
      },
      { run: { set: { h: { x: 5 } } } },
    );
    expect(run.output).to.deep.equal({ h: 5 });
  });

  it('is recorded at the start of the run', async () => {
    const run = await both(built, { run: { set: { h: { x: 5 } } } });
    const [started] = run.log as [{ readonly data: { readonly set: unknown } }];
    expect(started.data.set).to.deep.equal([{ node: 'h', port: 'x', value: 5 }]);
  });

  it('may be null, which is a value; undefined is none', async () => {
    const nullable = () => {
      const w = workflow('nullable');
      const source = w.add('source', give(1));
      const h = w.add('h', take(z.number().nullable())({ x: source.out.v }));
      return w.build({ outputs: { h: h.out.seen } });
    };
    expect((await both(nullable, { run: { set: { h: { x: null } } } })).output).to.deep.equal({ h: null });
    expect((await both(nullable, { run: { set: { h: { x: undefined } } } })).output).to.deep.equal({ h: 1 });
  });

  it('is checked by the schema of the input, and the error does not blame the connection', async () => {
    const run = await both(built, { run: { set: { h: { x: 'five' } } } });
    expect(run.errors).to.deep.equal({ h: 'INPUT_INVALID' });
    expect(run.messages.h).to.equal(
      'Input "h.x": Invalid input: expected number, received string; it comes from a parameter of the run. Correct the value or the schema.',
    );
  });

  it('to a node that does not exist is refused', async () => {
    const run = await both(built, { run: { set: { othr: { x: 5 } } } });
    expect(run.problems).to.deep.equal([
      {
        code: 'UNKNOWN_NODE',
        message: 'A parameter is addressed to node "othr". Did you mean "other"? Correct the id.',
      },
    ]);
  });

  it('to an input that does not exist is refused', async () => {
    const run = await both(built, { run: { set: { h: { y: 5 } } } });
    expect(run.problems).to.deep.equal([
      { code: 'UNKNOWN_PORT', message: 'A parameter is addressed to "h.y". Did you mean "x"? Correct the port name.' },
    ]);
  });

  it('in a form that is none is refused', async () => {
    const odd: readonly unknown[] = [
      5,
      'h',
      null,
      { h: 5 },
      { h: null },
      { h: [1] },
      [null],
      [{ node: 'h' }],
      [{ node: 1, port: 'x' }],
    ];
    const runs: Outcome[] = [];
    for (const set of odd) runs.push(await both(built, { run: { set: set as never } }));
    expect(runs.map(({ status }) => status)).to.deep.equal(odd.map(() => 'rejected'));
    expect(runs.map(({ code }) => code)).to.deep.equal(odd.map(() => 'INVALID_OPTION'));
    expect(runs[3]?.problems[0]?.message).to.match(
      /^set\.h must be a list such as \[tidy\.in\.limit\.is\(50\)\], or an object such as /,
    );
  });

  it('never revives a skipped node', async () => {
    const run = await both(
      () => {
        const w = workflow('skipping');
        const flag = w.add('flag', give(true));
        const route = w.switch('route', flag.out.v);
        const no = w.add('no', take(z.boolean().optional())({ x: route.out.false }));
        w.add('after', take(z.unknown())({ x: no.out.seen }));
        return w.build();
      },
      { params: { x: true }, run: { set: { no: { x: true }, after: { x: 1 } } } },
    );
    expect(run.status).to.equal('completed');
    expect(run.nodes).to.deep.equal({ flag: 'completed', route: 'completed', no: 'skipped', after: 'skipped' });
    expect(run.reasons.no).to.deep.equal({
      code: 'branch_not_taken',
      input: 'no.x',
      source: 'route.false',
      root: { subject: 'route', port: 'false', code: 'branch_not_taken' },
    });
    expect(run.reasons.after?.root).to.deep.equal({ subject: 'route', port: 'false', code: 'branch_not_taken' });
  });
});
