import { expect } from 'chai';
import { z } from 'zod';
import { variadic } from '../../../src/base/node.js';
import { collect } from '../../../src/base/ref.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { both } from '../../support/both.js';
import { give, take } from '../../support/nodes.js';

/** Two switches, and an end of each that leads into `end.x`: nobody can tell whether both are live. */
function doubtful(left: boolean, right: boolean) {
  return () => {
    const w = workflow('doubtful');
    const one = w.switch('one', w.add('a', give(left)).out.v);
    const two = w.switch('two', w.add('b', give(right)).out.v);
    w.add('left', take(z.boolean())({ x: one.out.true }));
    w.add('right', take(z.boolean())({ x: two.out.false }));
    const end = w.node('end', take(z.boolean()));
    w.connect('left.seen', 'end.x').connect('right.seen', 'end.x');
    return w.build({ outputs: { seen: end.out.seen } });
  };
}

/** Both ends belong to one switch. */
function exclusive() {
  const w = workflow('exclusive');
  const route = w.switch('route', w.add('a', give(true)).out.v);
  w.add('left', take(z.boolean())({ x: route.out.true }));
  w.add('right', take(z.boolean())({ x: route.out.false }));
  const end = w.node('end', take(z.boolean()));
  w.connect('left.seen', 'end.x').connect('right.seen', 'end.x');
  return w.build({ outputs: { seen: end.out.seen } });
}

const MESSAGE = 'left.seen, right.seen lead into "end.x" and cannot be proved exclusive.';
const REMEDY = 'Combine them with oneOf, collect or or.';

describe('Fan-in that cannot be proved exclusive', () => {
  it('is a warning, and the run goes on', async () => {
    const run = await both(doubtful(true, true));
    expect(run.output).to.deep.equal({ seen: true });
    expect(run.warnings).to.deep.equal([{ code: 'unproved-fan-in', message: MESSAGE, at: 'end.x' }]);
  });

  it('is an error in strict, before the first node', async () => {
    const run = await both(doubtful(true, true), { runtime: { validation: 'strict' } });
    expect(run.problems).to.deep.equal([{ code: 'CONTRACT_UNPROVED', message: `${MESSAGE} ${REMEDY}` }]);
    expect(run.log).to.deep.equal([]);
  });

  it('is nothing when validation is off', async () => {
    const run = await both(doubtful(true, true), { runtime: { validation: 'off' } });
    expect([run.status, run.warnings]).to.deep.equal(['completed', []]);
  });

  it('fails the attempt where both are live after all, at every level that runs it', async () => {
    for (const validation of ['off', 'warn'] as const) {
      const run = await both(doubtful(true, false), { runtime: { validation } });
      expect(run.errors).to.deep.equal({ end: 'INPUT_CONFLICT' });
      expect(run.attempts.end).to.equal(1);
    }
  });

  it('is not reported where it can be proved', async () => {
    const run = await both(exclusive, { runtime: { validation: 'strict' } });
    expect(run.output).to.deep.equal({ seen: true });
    expect(run.warnings).to.deep.equal([]);
  });
});

describe('validateWorkflow', () => {
  it('reports at the level of the runtime, and runs nothing', () => {
    for (const Runtime of [LocalRuntime, AsyncLocalRuntime]) {
      const built = doubtful(true, true)();
      expect(new Runtime({ validation: 'off' }).validateWorkflow(built)).to.deep.equal({ problems: [], warnings: [] });
      expect(new Runtime().validateWorkflow(built)).to.deep.equal({
        problems: [],
        warnings: [{ code: 'unproved-fan-in', message: MESSAGE, at: 'end.x' }],
      });
      const { problems, warnings } = new Runtime({ validation: 'strict' }).validateWorkflow(built);
      expect(problems.map(({ code, at }) => ({ code, at }))).to.deep.equal([
        { code: 'CONTRACT_UNPROVED', at: 'end.x' },
      ]);
      expect(warnings).to.deep.equal([]);
    }
  });

  it('finds nothing in a workflow in which everything is proved', () => {
    expect(new LocalRuntime({ validation: 'strict' }).validateWorkflow(exclusive())).to.deep.equal({
      problems: [],
      warnings: [],
    });
  });

  it('says the same every time', () => {
    const built = doubtful(true, true)();
    const runtime = new LocalRuntime();
    expect(runtime.validateWorkflow(built)).to.deep.equal(runtime.validateWorkflow(built));
  });
});

describe('A variadic input', () => {
  const build = (sources: readonly string[]) => () => {
    const w = workflow('variadic');
    const route = w.switch('route', w.add('flag', give(true)).out.v);
    w.add('one', give(1));
    w.add('two', give(2));
    w.add('dead', take(z.boolean())({ x: route.out.false }));
    w.add('empty', give(undefined));
    const end = w.node('end', take(variadic(z.array(z.unknown()))));
    for (const source of sources) w.connect(source, 'end.x');
    return w.build({ outputs: { seen: end.out.seen } });
  };

  it('takes every live source, in the order of declaration, and is never doubtful', async () => {
    const run = await both(build(['two.v', 'one.v']), { runtime: { validation: 'strict' } });
    expect(run.output).to.deep.equal({ seen: [2, 1] });
    expect(run.warnings).to.deep.equal([]);
  });

  it('takes a parameter among its sources like any other, and a list of several as one of them; a parameter alone is the list', async () => {
    const gathered = () => {
      const w = workflow('variadic', { params: { n: z.number(), list: z.array(z.number()) } });
      const [one, two] = [w.add('one', give(1)), w.add('two', give(2))];
      const end = w.node('end', take(variadic(z.array(z.unknown()))));
      w.connect(w.params.n, 'end.x').connect(one.out.v, 'end.x');
      const both = w.node('both', take(variadic(z.array(z.unknown()))));
      w.connect(collect(one.out.v, two.out.v), 'both.x').connect(w.params.n, 'both.x');
      const only = w.node('only', take(variadic(z.array(z.unknown()))));
      w.connect(w.params.list, 'only.x');
      return w.build({ outputs: { end: end.out.seen, both: both.out.seen, only: only.out.seen } });
    };
    const run = await both(gathered, { params: { n: 5, list: [6, 7] } });
    expect(run.output).to.deep.equal({ end: [5, 1], both: [[1, 2], 5], only: [6, 7] });
  });

  it('leaves out sources that are dead, and values that are undefined', async () => {
    const run = await both(build(['dead.seen', 'one.v', 'empty.v']));
    expect(run.output).to.deep.equal({ seen: [1] });
  });

  it('makes a list of a single source, too', async () => {
    expect((await both(build(['one.v']))).output).to.deep.equal({ seen: [1] });
  });

  it('skips its node where every source is dead', async () => {
    const run = await both(build(['dead.seen']));
    expect(run.nodes.end).to.equal('skipped');
    expect(run.reasons.end?.root).to.deep.equal({ subject: 'route', port: 'false', code: 'branch_not_taken' });
  });

  it('has its list checked by its schema', async () => {
    const run = await both(() => {
      const w = workflow('variadic');
      const one = w.add('one', give(1));
      const two = w.add('two', give('2'));
      w.add('end', take(variadic(z.array(z.number())))({ x: collect(one.out.v, two.out.v) }));
      return w.build();
    });
    expect(run.errors).to.deep.equal({ end: 'INPUT_INVALID' });
    expect(run.messages.end).to.match(
      /^Input "end\.x": 1: Invalid input: expected number, received string; it comes from collect\(one\.v, two\.v\)\./,
    );
  });
});
