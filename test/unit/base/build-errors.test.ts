import { expect } from 'chai';
import { z } from 'zod';
import { when } from '../../../src/base/condition.js';
import { WorkflowBuildError } from '../../../src/base/errors.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { collect, oneOf, required } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { type WorkflowBuilder, workflow } from '../../../src/base/workflow-builder.js';
import { checkWorkflow } from '../../../src/base/workflow-checks.js';
import type { CycleData } from '../../../src/base/workflow-data.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { caught, refusal } from '../../support/caught.js';

const source = defineNode({ name: 'source', outputs: { rows: z.array(z.number()) }, run: () => ({ rows: [1] }) });
const clean = defineNode({
  name: 'clean',
  inputs: { rows: z.array(z.number()), limit: z.number().default(100) },
  outputs: { rows: z.array(z.number()) },
  run: ({ rows }) => ({ rows }),
});
const step = defineNode({
  name: 'step',
  inputs: { value: type<number>() },
  outputs: { value: type<number>() },
  run: ({ value }) => ({ value: value + 1 }),
});

const pair = defineNode({
  name: 'pair',
  inputs: { value: type<number>(), other: z.unknown() },
  outputs: { value: type<number>() },
  run: ({ value }) => ({ value }),
});

/** A node of which the output is fed back to its own input. */
function loop(w: WorkflowBuilder<Record<never, never>>, id: string) {
  const node = w.node(id, pair, { value: 1 });
  return node.out.value.to(node.in.value);
}

/** A chain of `step` nodes with the given ids, the first one fed by a literal. */
function chain(w: WorkflowBuilder<Record<never, never>>, ...ids: string[]) {
  const handles = [w.add(ids[0] as string, step({ value: 1 }))];
  for (const id of ids.slice(1))
    handles.push(w.add(id, step({ value: (handles.at(-1) as (typeof handles)[0]).out.value })));
  return handles;
}

const REMEDY = {
  name: 'Start with a letter or underscore, then use letters, digits, underscores and hyphens.',
  id: 'Correct the id.',
  port: 'Correct the port name.',
  cycle: 'Correct the named setting.',
  field: 'Correct the named field.',
  option: 'Correct the named option.',
  overlap: 'Make their bodies disjoint, or declare nesting with within.',
  exclusive: 'Combine them with oneOf, collect or or, or declare the input variadic.',
  case: 'Correct the named case.',
  foreign: 'Use references of the workflow you are building.',
};

describe('build errors', () => {
  describe('ids and names', () => {
    it('refuses a second part with the same id, whatever the parts are', () => {
      const w = workflow('etl');
      const [a] = chain(w, 'read', 'tidy');
      const again = {
        code: 'DUPLICATE_ID',
        at: 'read',
        message: 'Workflow "etl" has two parts with the id "read". Give each node, switch and cycle its own id.',
      };
      expect(refusal(() => w.add('read', source()))).to.deep.equal(again);
      expect(refusal(() => w.try('read', source()))).to.deep.equal(again);
      expect(refusal(() => w.fn('read', {}, () => 1))).to.deep.equal(again);
      expect(refusal(() => w.node('read', source))).to.deep.equal(again);
      expect(refusal(() => w.switch('read', a?.out.value as never, { big: () => true }))).to.deep.equal(again);
      expect(refusal(() => w.cycle('read', { feedback: [], maxIterations: 1 }))).to.deep.equal(again);
    });

    for (const [what, id] of [
      ['empty', ''],
      ['with a space', 'two words'],
      ['with a dot', 'a.b'],
      ['that starts with a digit', '1st'],
      ['that starts with $', '$error'],
      ['__proto__', '__proto__'],
    ] as const) {
      it(`refuses an id ${what}`, () => {
        const message = `"${id}" cannot be the id of a node. ${REMEDY.name}`;
        expect(refusal(() => workflow('w').add(id, source()))).to.deep.equal({ code: 'INVALID_NAME', at: id, message });
        expect(refusal(() => workflow('w').cycle(id, { feedback: [], maxIterations: 1 })).code).to.equal(
          'INVALID_NAME',
        );
      });
    }

    it('refuses an id that is no string', () => {
      expect(refusal(() => workflow('w').add(7 as never, source())).message).to.equal(
        `"7" cannot be the id of a node. ${REMEDY.name}`,
      );
      expect(refusal(() => workflow('w').add(undefined as never, source())).code).to.equal('INVALID_NAME');
    });

    it('accepts letters, digits, underscores and hyphens, and the names that objects have by nature', () => {
      const w = workflow('_w-1');
      for (const id of ['a', '_', 'A-1_b', 'constructor', 'toString', 'hasOwnProperty']) w.add(id, source());
      expect(w.build().data.nodes.map((node) => node.id)).to.deep.equal([
        'a',
        '_',
        'A-1_b',
        'constructor',
        'toString',
        'hasOwnProperty',
      ]);
    });

    it('refuses names of workflows, nodes, ports, parameters, cases and outputs that cannot be names', () => {
      expect(refusal(() => workflow('my flow'))).to.deep.equal({
        code: 'INVALID_NAME',
        at: 'workflow',
        message: `"my flow" cannot be the name of a workflow. ${REMEDY.name}`,
      });
      expect(refusal(() => defineNode({ name: 'a b', outputs: {}, run: () => ({}) }))).to.deep.equal({
        code: 'INVALID_NAME',
        at: 'defineNode',
        message: `"a b" cannot be the name of a node. ${REMEDY.name}`,
      });
      expect(
        refusal(() => defineNode({ name: 'n', inputs: { 'a.b': type<1>() }, outputs: {}, run: () => ({}) })),
      ).to.deep.equal({
        code: 'INVALID_NAME',
        at: 'n.a.b',
        message: `Port "a.b" of node "n" cannot be a name. ${REMEDY.name}`,
      });
      expect(
        refusal(() => defineNode({ name: 'n', outputs: { $error: type<number>() }, run: () => ({ $error: 1 }) })).code,
      ).to.equal('INVALID_NAME');
      expect(refusal(() => workflow('w', { params: { 'the path': type<string>() } })).message).to.equal(
        `Port "the path" of node "w" cannot be a name. ${REMEDY.name}`,
      );
      const w = workflow('w', { params: { n: type<number>() } });
      expect(refusal(() => w.switch('route', w.params.n, { 'too many': () => true }))).to.deep.equal({
        code: 'INVALID_NAME',
        at: 'route.too many',
        message: `Case "too many" of switch "route" cannot be a name. ${REMEDY.name}`,
      });
      const a = w.add('a', source());
      expect(refusal(() => w.build({ outputs: { 'all rows': a.out.rows } }))).to.deep.equal({
        code: 'INVALID_NAME',
        at: 'all rows',
        message: `Output "all rows" cannot be a name. ${REMEDY.name}`,
      });
    });

    it('refuses a parameter with the name of a node or a cycle', () => {
      const w = workflow('etl', { params: { read: type<string>() } });
      w.add('read', source());
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'PARAMETER_IS_NODE_ID',
        at: 'read',
        message: '"read" is both a parameter and a node of "etl". Rename one of the two.',
      });
      const v = workflow('etl', { params: { loop: type<string>() } });
      const a = v.add('a', step({ value: 0 }));
      v.cycle('loop', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2 });
      expect(refusal(() => v.build()).code).to.equal('PARAMETER_IS_NODE_ID');
    });

    it('refuses a workflow without a node', () => {
      expect(refusal(() => workflow('nothing').build())).to.deep.equal({
        code: 'EMPTY_WORKFLOW',
        at: 'nothing',
        message: 'Workflow "nothing" has no node. Add at least one node.',
      });
    });
  });

  describe('connections', () => {
    it('refuses a source node that does not exist, with a did-you-mean', () => {
      const w = workflow('etl');
      w.add('read', source());
      w.node('tidy', clean);
      w.connect('raed.rows', 'tidy.rows');
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'UNKNOWN_NODE',
        at: 'connection raed.rows → tidy.rows',
        message: 'The connection raed.rows → tidy.rows names "raed". Did you mean "read"? Correct the id.',
      });
    });

    it('refuses a target node that does not exist, with a did-you-mean', () => {
      const w = workflow('etl');
      w.add('read', source());
      w.node('tidy', clean);
      w.connect('read.rows', 'tdiy.rows');
      expect(refusal(() => w.build()).message).to.equal(
        'The connection read.rows → tdiy.rows names "tdiy". Did you mean "tidy"? Correct the id.',
      );
    });

    it('lists what exists where nothing is near', () => {
      const w = workflow('etl');
      w.add('read', source());
      w.node('tidy', clean);
      w.connect('warehouse.rows', 'tidy.rows');
      expect(refusal(() => w.build()).message).to.equal(
        'The connection warehouse.rows → tidy.rows names "warehouse". Known: "read", "tidy". Correct the id.',
      );
    });

    it('refuses an output port that does not exist, with a did-you-mean', () => {
      const w = workflow('etl');
      w.add('read', source());
      w.node('tidy', clean);
      w.connect('read.row', 'tidy.rows');
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'UNKNOWN_PORT',
        at: 'connection read.row → tidy.rows',
        message: 'The connection read.row → tidy.rows reads "read.row". Did you mean "rows"? Correct the port name.',
      });
    });

    it('refuses an input port that does not exist, with a did-you-mean', () => {
      const w = workflow('etl');
      w.add('read', source());
      w.node('tidy', clean);
      w.connect('read.rows', 'tidy.rowz');
      expect(refusal(() => w.build()).message).to.equal(
        'The connection read.rows → tidy.rowz names the input "tidy.rowz". Did you mean "rows"? Correct the port name.',
      );
    });

    it('refuses an unknown input where a definition is called, with a did-you-mean', () => {
      expect(refusal(() => clean({ rowz: [] } as never))).to.deep.equal({
        code: 'UNKNOWN_PORT',
        at: 'clean.rowz',
        message: 'Node "clean" has no input "rowz". Did you mean "rows"? Correct the port name.',
      });
      expect(refusal(() => source({ rows: [] } as never)).message).to.equal(
        'Node "source" has no input "rows". There are none. Correct the port name.',
      );
    });

    it('refuses an unknown input in the configuration of a node, with a did-you-mean', () => {
      const w = workflow('etl');
      w.node('tidy', clean, { limt: 3 } as never);
      expect(refusal(() => w.build()).message).to.equal(
        'The literal for tidy.limt names the input "tidy.limt". Did you mean "limit"? Correct the port name.',
      );
    });

    it('refuses a connection end that is not node.port', () => {
      const w = workflow('etl');
      expect(refusal(() => w.connect('read', 'tidy.rows'))).to.deep.equal({
        code: 'UNKNOWN_PORT',
        at: 'read',
        message: '"read" does not name a node and a port. Correct the port name.',
      });
      expect(refusal(() => w.connect('read.rows', 'tidy')).message).to.equal(
        '"tidy" does not name a node and an input. Correct the port name.',
      );
      expect(refusal(() => w.connect('read.rows', 'tidy.rows.0')).message).to.equal(
        '"tidy.rows.0" does not name a node and an input. Correct the port name.',
      );
    });

    it('offers the error port only of nodes that may fail, and the ports of cycles', () => {
      const w = workflow('etl');
      w.add('read', source());
      w.node('log', step);
      w.connect('read.$error', 'log.value');
      expect(refusal(() => w.build()).message).to.equal(
        'The connection read.$error → log.value reads "read.$error". Known: "rows". Correct the port name.',
      );
      const v = workflow('loop');
      const a = v.add('a', step({ value: 0 }));
      v.cycle('fit', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2 });
      v.node('log', step);
      v.connect('fit.reasons', 'log.value');
      expect(refusal(() => v.build()).message).to.equal(
        'The connection fit.reasons → log.value reads "fit.reasons". Did you mean "reason"? Correct the port name.',
      );
    });

    it('refuses a node connected to itself', () => {
      const w = workflow('etl');
      w.node('a', step);
      w.connect('a.value', 'a.value');
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'SELF_CONNECTION',
        at: 'connection a.value → a.value',
        message:
          'The connection a.value → a.value leads back to its own node. Declare a cycle and pass the connection as its feedback if the node should see its own last output.',
      });
    });

    it('refuses a node that waits for itself', () => {
      const w = workflow('etl');
      w.add('a', source(), { after: 'a' });
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'SELF_CONNECTION',
        at: 'a',
        message:
          'Node "a" waits for itself. Declare a cycle and pass the connection as its feedback if the node should see its own last output.',
      });
    });

    it('refuses after that names nothing, or is no subject', () => {
      const w = workflow('etl');
      w.add('read', source());
      w.add('tidy', source(), { after: 'raed' });
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'UNKNOWN_NODE',
        at: 'after of tidy',
        message: 'The after of tidy names "raed". Did you mean "read"? Correct the id.',
      });
      const message = `node "x".after takes handles or ids of nodes, switches and cycles. ${REMEDY.option}`;
      const a = workflow('etl').add('a', source());
      expect(refusal(() => w.add('x', source(), { after: a.out.rows as never }))).to.deep.equal({
        code: 'INVALID_OPTION',
        at: 'node "x".after',
        message,
      });
      expect(refusal(() => w.add('x', source(), { after: [undefined] as never })).message).to.equal(message);
    });

    it('refuses the same connection made twice', () => {
      const w = workflow('etl');
      w.add('read', source());
      w.node('tidy', clean);
      w.connect('read.rows', 'tidy.rows').connect('read.rows', 'tidy.rows');
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'DUPLICATE_CONNECTION',
        at: 'connection read.rows → tidy.rows',
        message: 'The connection read.rows → tidy.rows exists twice. Remove one of the two.',
      });
      const v = workflow('etl');
      const read = v.add('read', source());
      v.add('tidy', clean({ rows: read.out.rows }));
      v.connect('read.rows', 'tidy.rows');
      expect(refusal(() => v.build()).code).to.equal('DUPLICATE_CONNECTION');
    });

    it('takes two connections from one output to two inputs, and two paths of one output, as different', () => {
      const pair = defineNode({
        name: 'pair',
        inputs: { a: type<number>(), b: type<number>() },
        outputs: {},
        run: () => ({}),
      });
      const w = workflow('etl');
      w.add('read', step({ value: 1 }));
      w.node('pair', pair);
      w.connect('read.value', 'pair.a').connect('read.value', 'pair.b');
      expect(w.build().data.connections).to.have.length(2);
    });

    for (const [what, literal] of [
      ['a bigint', 10n],
      [
        'a cyclic object',
        (() => {
          const loop: Record<string, unknown> = {};
          loop.self = loop;
          return loop;
        })(),
      ],
    ] as const) {
      it(`builds and runs an alternative literal that JSON cannot hold: ${what}`, () => {
        const w = workflow('or');
        const maybe = w.try(
          'maybe',
          defineNode({
            name: 'bad',
            outputs: { value: type<unknown>() },
            run: () => {
              throw new Error('no');
            },
          })(),
        );
        const use = w.fn('use', { value: maybe.out.value.or(literal) }, ({ value }) => ({ same: value === literal }));
        const run = new LocalRuntime().execute(w.build({ outputs: { use: use.out.value } }));
        expect(run.unwrap().use).to.deep.equal({ same: true });
      });
    }
  });

  describe('bound values', () => {
    it('refuses a literal of the wrong type, with what the schema says', () => {
      const w = workflow('etl');
      w.add('tidy', clean({ rows: ['one'] as never, limit: 5 }));
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'WRONG_PORT_TYPE',
        at: 'tidy.rows',
        message:
          'The literal for "tidy.rows" does not fit: 0: Invalid input: expected number, received string. Pass a value that the schema accepts.',
      });
      const v = workflow('etl');
      v.node('tidy', clean, { limit: 'many' } as never);
      expect(refusal(() => v.build()).at).to.equal('tidy.limit');
    });

    it('leaves a literal to the first attempt where the schema is asynchronous or throws', () => {
      for (const schema of [
        z.number().refine(async () => false),
        z.number().refine(() => {
          throw new Error('broken');
        }),
      ]) {
        const node = defineNode({ name: 'n', inputs: { a: schema }, outputs: {}, run: () => ({}) });
        const w = workflow('etl');
        w.add('n', node({ a: 1 }));
        expect(() => w.build()).not.to.throw();
      }
    });

    it('refuses a reference hidden inside a literal, however deep', () => {
      const w = workflow('etl');
      const a = w.add('a', step({ value: 1 }));
      const take = defineNode({ name: 'take', inputs: { all: type<unknown>() }, outputs: {}, run: () => ({}) });
      w.add('b', take({ all: { list: [{ inner: a.out.value }] } }));
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'REF_IN_LITERAL',
        at: 'b.all',
        message:
          'The literal for "b.all" contains a reference. Bind the reference to an input of its own and build the object inside the node.',
      });
    });

    it('refuses a reference hidden in the literal of or, and in the operator of a switch', () => {
      const w = workflow('etl', { params: { limit: type<number>() } });
      const a = w.add('a', step({ value: 1 }));
      w.fn('b', { value: a.out.value.or({ fallback: w.params.limit }) }, ({ value }) => value);
      expect(refusal(() => w.build()).code).to.equal('REF_IN_LITERAL');
      const v = workflow('etl', { params: { limit: type<number>() } });
      v.switch('route', v.add('a', step({ value: 1 })).out.value, {
        big: { op: '>', value: v.params.limit },
        small: otherwise,
      });
      expect(refusal(() => v.build())).to.deep.equal({
        code: 'REF_IN_LITERAL',
        at: 'case route.big',
        message:
          'The literal for "case route.big" contains a reference. Bind the reference to an input of its own and build the object inside the node.',
      });
    });

    it('takes a cyclic literal without a reference', () => {
      const loop: Record<string, unknown> = { n: 1 };
      loop.self = loop;
      const w = workflow('etl');
      w.add(
        'a',
        defineNode({ name: 'take', inputs: { all: type<unknown>() }, outputs: {}, run: () => ({}) })({ all: loop }),
      );
      expect(w.build().data.nodes[0]?.config.all).to.equal(loop);
    });

    it('refuses a definition that was not called', () => {
      const message =
        'add("tidy") takes a called definition, such as clean({ rows }), not the definition itself. Correct the named field.';
      for (const wrong of [clean, undefined, null, {}, () => 1]) {
        expect(
          refusal(() => workflow('etl').add('tidy', wrong as never)),
          String(wrong),
        ).to.deep.equal({ code: 'INVALID_DEFINITION', at: 'tidy', message });
      }
    });

    it('refuses fn without a function', () => {
      expect(refusal(() => workflow('etl').fn('f', {}, 5 as never))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'f',
        message: 'fn("f") was called without a function. Correct the named field.',
      });
    });
  });

  describe('references', () => {
    const other = workflow('other', { params: { n: type<number>() } });
    const foreign = other.add('a', step({ value: 1 }));

    it('refuses a reference of another workflow at an input, a switch, a join and an output', () => {
      const w = workflow('etl');
      const own = w.add('a', step({ value: 1 }));
      const message = (at: string): string => `The ${at} reads a reference of another workflow. ${REMEDY.foreign}`;
      expect(refusal(() => w.add('b', step({ value: foreign.out.value })))).to.deep.equal({
        code: 'FOREIGN_REF',
        at: 'input b.value',
        message: message('input b.value'),
      });
      expect(refusal(() => w.add('b', step({ value: other.params.n }))).code).to.equal('FOREIGN_REF');
      expect(refusal(() => w.switch('route', foreign.out.value, { a: () => true })).message).to.equal(
        message('input route.value'),
      );
      const route = w.switch('route', own.out.value, { a: () => true });
      expect(refusal(() => route.join({ a: foreign.out.value })).message).to.equal(message('case route.a'));
      expect(refusal(() => w.build({ outputs: { x: foreign.out.value } })).message).to.equal(message('output x'));
    });

    it('refuses expressions over references of different workflows', () => {
      const own = workflow('etl').add('a', step({ value: 1 }));
      const message = (name: string): string => `${name}() mixes references of different workflows. ${REMEDY.foreign}`;
      expect(refusal(() => oneOf(own.out.value, foreign.out.value))).to.deep.equal({
        code: 'FOREIGN_REF',
        at: 'oneOf',
        message: message('oneOf'),
      });
      expect(refusal(() => collect(foreign.out.value, own.out.value)).message).to.equal(message('collect'));
      expect(refusal(() => own.out.value.or(foreign.out.value)).message).to.equal(message('or'));
    });

    it('refuses foreign feedback, a foreign target and a foreign condition of a cycle', () => {
      const w = workflow('etl');
      const own = w.add('a', step({ value: 1 }));
      const expected = {
        code: 'FOREIGN_REF',
        at: 'fit',
        message: `Cycle "fit" reads a reference of another workflow. ${REMEDY.foreign}`,
      };
      const made = [own.out.value.to(own.in.value)];
      expect(
        refusal(() => w.cycle('fit', { feedback: [foreign.out.value.to(own.in.value)], maxIterations: 2 })),
      ).to.deep.equal(expected);
      expect(
        refusal(() => w.cycle('fit', { feedback: [own.out.value.to(foreign.in.value)], maxIterations: 2 })),
      ).to.deep.equal(expected);
      expect(
        refusal(() => w.cycle('fit', { feedback: made, until: when(foreign.out.value, () => true), maxIterations: 2 })),
      ).to.deep.equal(expected);
      expect(
        refusal(() =>
          w.cycle('fit', {
            feedback: made,
            until: when({ x: own.out.value, y: foreign.out.value }, () => true),
            maxIterations: 2,
          }),
        ),
      ).to.deep.equal(expected);
      expect(
        w.cycle('fit', { feedback: made, until: when({ x: own.out.value }, () => true), maxIterations: 2 }).id,
      ).to.equal('fit');
    });

    it('leaves no trace of a node that was refused', () => {
      const w = workflow('etl');
      const own = w.add('a', step({ value: 1 }));
      const sum = defineNode({
        name: 'sum',
        inputs: { x: type<number>(), y: type<number>() },
        outputs: {},
        run: () => ({}),
      });
      expect(() => w.add('b', sum({ x: own.out.value, y: foreign.out.value }))).to.throw();
      w.add('b', sum({ x: own.out.value, y: own.out.value }));
      expect(w.build().data.connections.map(({ to }) => to)).to.deep.equal([
        { node: 'b', port: 'x' },
        { node: 'b', port: 'y' },
      ]);
    });

    it('refuses what is not a reference where one is needed', () => {
      const w = workflow('etl');
      const own = w.add('a', step({ value: 1 }));
      const route = w.switch('route', own.out.value, { a: () => true });
      expect(refusal(() => route.join({ a: 5 as never }))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'case route.a',
        message: 'The case route.a is not a reference. Correct the named field.',
      });
      expect(refusal(() => w.build({ outputs: { x: own as never } }))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'output x',
        message: 'The output x is not a reference. Correct the named field.',
      });
      expect(refusal(() => oneOf(5 as never))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'oneOf',
        message: 'oneOf() takes references, not literals. Correct the named field.',
      });
      expect(refusal(() => required(5 as never)).message).to.equal(
        'required() takes references, not literals. Correct the named field.',
      );
      expect(refusal(() => collect())).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'collect',
        message: 'collect() was called without a source. Correct the named field.',
      });
      expect(refusal(() => when(5 as never, () => true)).code).to.equal('INVALID_CYCLE');
    });
  });

  describe('switches and joins', () => {
    const subject = () => {
      const w = workflow('etl', { params: { n: type<number>() } });
      return { w, n: w.params.n };
    };

    it('refuses an operator that does not exist, with a did-you-mean or a list', () => {
      const { w, n } = subject();
      expect(refusal(() => w.switch('route', n, { big: { op: '=>' as never, value: 1 } }))).to.deep.equal({
        code: 'UNKNOWN_OPERATOR',
        at: 'route.big',
        message: 'route.big uses the operator "=>". Did you mean "=="? Use one of the listed operators.',
      });
      expect(refusal(() => w.switch('route', n, { big: { op: 'matches' as never, value: 1 } })).message).to.equal(
        'route.big uses the operator "matches". Known: "==", "!=", ">", ">=", "<", "<=", "in", "contains" and 2 more. Use one of the listed operators.',
      );
      expect(refusal(() => w.switch('route', n, { big: { op: 'toString' as never } })).code).to.equal(
        'UNKNOWN_OPERATOR',
      );
    });

    it('refuses a switch without a case, with a case that is none, with two otherwise, and in an unknown mode', () => {
      const { w, n } = subject();
      expect(refusal(() => w.switch('route', n, {}))).to.deep.equal({
        code: 'INVALID_SWITCH',
        at: 'route',
        message: `Switch "route" has no case. ${REMEDY.case}`,
      });
      for (const test of [true, null, 'big', {}]) {
        expect(refusal(() => w.switch('route', n, { big: test as never }))).to.deep.equal({
          code: 'INVALID_SWITCH',
          at: 'route.big',
          message: `Case route.big is neither a predicate, an operator, an expression nor otherwise. ${REMEDY.case}`,
        });
      }
      expect(refusal(() => w.switch('route', n, { a: otherwise, b: otherwise })).message).to.equal(
        `Switch "route" has more than one otherwise. ${REMEDY.case}`,
      );
      expect(refusal(() => w.switch('route', n, { a: () => true }, { mode: 'every' as never })).message).to.equal(
        `Switch "route" has the mode "every"; there are first, all and partition. ${REMEDY.case}`,
      );
    });

    it('refuses a join that leaves a case out or invents one', () => {
      const { w, n } = subject();
      const route = w.switch('route', n, { many: (value) => value > 1, few: otherwise, none: () => false });
      expect(refusal(() => route.join({ many: route.out.many } as never))).to.deep.equal({
        code: 'JOIN_CASES',
        at: 'route',
        message: 'The join of "route" leaves out "few", "none". Give one source for each case.',
      });
      expect(
        refusal(() =>
          route.join({ many: route.out.many, few: route.out.few, none: route.out.none, fwe: route.out.few } as never),
        ).message,
      ).to.equal('"route" has no case "fwe". Did you mean "few"? Give one source for each case.');
      const score = w.try('score', step({ value: 1 }));
      expect(refusal(() => score.join({ ok: score.out.value } as never)).message).to.equal(
        'The join of "score" leaves out "failed". Give one source for each case.',
      );
      expect(refusal(() => score.join({ ok: score.out.value, failed: n, error: n } as never)).message).to.equal(
        '"score" has no case "error". Known: "ok", "failed". Give one source for each case.',
      );
    });

    it('refuses two always-live sources of one input, and names them', () => {
      const { w } = subject();
      const [a, b] = [w.add('a', step({ value: 1 })), w.add('b', step({ value: 2 }))];
      w.add('c', step({ value: oneOf(a.out.value, b.out.value) }));
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'AMBIGUOUS_FAN_IN',
        at: 'c.value',
        message: `Two sources lead into "c.value" and both are always live: oneOf(a.value, b.value). ${REMEDY.exclusive}`,
      });
      const v = workflow('etl');
      v.add('a', step({ value: 1 }));
      v.add('b', step({ value: 2 }));
      v.node('c', step);
      v.connect('a.value', 'c.value').connect('b.value', 'c.value');
      expect(refusal(() => v.build()).message).to.equal(
        `Two sources lead into "c.value" and both are always live: a.value, b.value. ${REMEDY.exclusive}`,
      );
    });

    it('refuses two always-live sources where one of them is a parameter beside a connection from the same node', () => {
      const { w, n } = subject();
      const route = w.switch('route', n, { many: (value) => value > 1, few: otherwise });
      w.add('same', step({ value: oneOf(route.out.many, route.out.few) }));
      expect(() => w.build()).not.to.throw();
    });

    it('refuses two parameters of one input: neither ranks below the other', () => {
      const w = workflow('etl', { params: { n: type<number>(), m: type<number>() } });
      w.node('c', step);
      w.connect(w.params.n, 'c.value').connect(w.params.m, 'c.value');
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'AMBIGUOUS_FAN_IN',
        at: 'c.value',
        message: `Two sources lead into "c.value" and both are always live: parameter n, parameter m. ${REMEDY.exclusive}`,
      });
    });

    for (const join of ['any', 'always'] as const) {
      it(`refuses join: '${join}' with a required input behind a branch`, () => {
        const { w, n } = subject();
        const route = w.switch('route', n, { many: (value) => value > 1, few: otherwise });
        const two = defineNode({
          name: 'two',
          inputs: { a: type<number>(), b: type<number>() },
          outputs: {},
          run: () => ({}),
        });
        w.add('both', two({ a: route.out.many, b: route.out.few }), { join: join as 'any' });
        expect(refusal(() => w.build())).to.deep.equal({
          code: 'JOIN_NEEDS_OPTIONAL',
          at: 'both.a',
          message: `Node "both" may start (join "${join}") while its required input "a" has no live source. Make the input optional, or use the join that waits for it.`,
        });
      });
    }

    it('takes join any and always where the inputs are optional, configured or always live', () => {
      const { w, n } = subject();
      const route = w.switch('route', n, { many: (value) => value > 1, few: otherwise });
      const optional = defineNode({
        name: 'optional',
        inputs: { a: z.number().optional(), b: z.number().default(0) },
        outputs: {},
        run: () => ({}),
      });
      w.add('any', optional({ a: route.out.many, b: route.out.few }), { join: 'any' });
      w.add('always', optional({ a: route.out.many, b: route.out.few }), { join: 'always' });
      w.add('live', step({ value: n }), { join: 'always' });
      w.add('single', step({ value: route.out.many }), { join: 'any' });
      expect(() => w.build()).not.to.throw();
    });
  });

  describe('cycles', () => {
    it('refuses a loop that no cycle declares, and shows its path', () => {
      const w = workflow('etl');
      const [, , c] = chain(w, 'a', 'b', 'c');
      w.node('d', step);
      w.node('e', step);
      w.connect('d.value', 'e.value').connect('e.value', 'd.value');
      w.add('f', step({ value: (c as NonNullable<typeof c>).out.value }));
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'UNMARKED_CYCLE',
        at: 'e, d',
        message:
          'These nodes form a loop: e → d → e. Declare it with cycle(…) and pass the connection that closes the loop as feedback.',
      });
    });

    it('finds a loop through after', () => {
      const w = workflow('etl');
      w.add('a', source(), { after: 'c' });
      w.add('b', source(), { after: 'a' });
      w.add('c', source(), { after: 'b' });
      const { code, message } = refusal(() => w.build());
      expect(code).to.equal('UNMARKED_CYCLE');
      expect(message).to.match(/^These nodes form a loop: (a → b → c → a|b → c → a → b|c → a → b → c)\. /);
    });

    it('can be mended and built after a refusal', () => {
      const w = workflow('etl');
      w.add('a', source(), { after: 'b' });
      expect(refusal(() => w.build()).code).to.equal('UNKNOWN_NODE');
      w.add('b', source());
      expect(w.build().data.nodes).to.have.length(2);
      const v = workflow('etl');
      const [a, b] = [v.add('a', step({ value: 1 })), v.add('b', step({ value: 2 }))];
      v.node('c', step);
      v.connect('a.value', 'c.value').connect('b.value', 'c.value');
      expect(refusal(() => v.build()).code).to.equal('AMBIGUOUS_FAN_IN');
      expect(refusal(() => v.build()).code).to.equal('AMBIGUOUS_FAN_IN');
      expect([a.id, b.id]).to.deep.equal(['a', 'b']);
    });

    it('refuses a cycle without a cap, also beside until', () => {
      const w = workflow('etl');
      const a = w.add('a', step({ value: 0 }));
      const feedback = [a.out.value.to(a.in.value)];
      const expected = {
        code: 'CYCLE_WITHOUT_CAP',
        at: 'fit',
        message:
          'Cycle "fit" has neither maxIterations nor timeoutMs. Set maxIterations or timeoutMs, also beside until.',
      };
      expect(refusal(() => w.cycle('fit', { feedback }))).to.deep.equal(expected);
      expect(refusal(() => w.cycle('fit', { feedback, until: when(a.out.value, () => true) }))).to.deep.equal(expected);
    });

    it('refuses settings that a cycle cannot use, each by its name', () => {
      const w = workflow('etl');
      const a = w.add('a', step({ value: 0 }));
      const feedback = [a.out.value.to(a.in.value)];
      const wrong = (options: object): string =>
        refusal(() => w.cycle('fit', { feedback, maxIterations: 2, ...options } as never)).message;
      const says = (what: string): string => `Cycle "fit": ${what}. ${REMEDY.cycle}`;
      for (const maxIterations of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3'])
        expect(wrong({ maxIterations })).to.equal(says('maxIterations must be a whole number of at least 1'));
      for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '3'])
        expect(wrong({ timeoutMs })).to.equal(says('timeoutMs must be a finite number of milliseconds > 0'));
      for (const keepHistory of [-1, 0.5, '3'])
        expect(wrong({ keepHistory })).to.equal(says('keepHistory must be a whole number of at least 0'));
      expect(wrong({ onMaxIterations: 'stop' })).to.equal(says('onMaxIterations and onTimeout are "accept" or "fail"'));
      expect(wrong({ onTimeout: 'stop' })).to.equal(says('onMaxIterations and onTimeout are "accept" or "fail"'));
      expect(wrong({ until: () => true })).to.equal(
        says('until must be made by when(), tolerance(), plateau(), budget(), anyOf() or allOf()'),
      );
      expect(wrong({ feedback: [] })).to.equal(says('feedback must list at least one edge'));
      expect(wrong({ feedback: a.out.value })).to.equal(says('feedback must list at least one edge'));
      expect(wrong({ feedback: [a.out.value] })).to.equal(says('feedback lists edges, made by output.to(input)'));
      expect(wrong({ feedback: [undefined] })).to.equal(says('feedback lists edges, made by output.to(input)'));
    });

    it('refuses an option of a cycle that does not exist, with a did-you-mean', () => {
      const w = workflow('etl');
      const a = w.add('a', step({ value: 0 }));
      expect(
        refusal(() => w.cycle('fit', { feedback: [a.out.value.to(a.in.value)], maxIteration: 3 } as never)),
      ).to.deep.equal({
        code: 'UNKNOWN_OPTION',
        at: 'cycle "fit"',
        message:
          'cycle "fit" has no option "maxIteration". Did you mean "maxIterations"? Correct its name or remove it.',
      });
    });

    it('refuses a cycle whose feedback comes from nowhere inside', () => {
      const w = workflow('etl');
      const [a, b] = chain(w, 'a', 'b') as [ReturnType<typeof chain>[0], ReturnType<typeof chain>[0]];
      if (a === undefined || b === undefined) throw new Error('no chain');
      w.cycle('fit', { feedback: [a.out.value.to(b.in.value)], maxIterations: 2 });
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'EMPTY_CYCLE',
        at: 'fit: b.value',
        message:
          'Cycle "fit": the output fed back to "b.value" is not reached from there. Feed an output back to an input from which that output is reached.',
      });
    });

    it('refuses a condition without a test, without a source, or over what is no reference', () => {
      const a = workflow('etl').add('a', step({ value: 0 }));
      expect(refusal(() => when(a.out.value, undefined as never))).to.deep.equal({
        code: 'INVALID_CYCLE',
        at: 'when',
        message: `when() needs a test function. ${REMEDY.cycle}`,
      });
      expect(refusal(() => when({}, () => true)).message).to.equal(
        `when() was called without a source. ${REMEDY.cycle}`,
      );
      expect(refusal(() => when({ loss: 5 as never }, () => true)).message).to.equal(
        `when() got "loss", which is not a reference. ${REMEDY.cycle}`,
      );
    });

    it('refuses cycles that share nodes without nesting, and names the shared node', () => {
      const w = workflow('etl');
      const nodes = chain(w, 'a', 'b', 'c') as ReturnType<typeof chain>;
      const [a, b, c] = nodes as [(typeof nodes)[0] & object, (typeof nodes)[0] & object, (typeof nodes)[0] & object];
      w.cycle('left', { feedback: [b.out.value.to(a.in.value)], maxIterations: 2 });
      w.cycle('right', { feedback: [c.out.value.to(b.in.value)], maxIterations: 2 });
      const { code, at, message } = refusal(() => w.build());
      expect(code).to.equal('OVERLAPPING_CYCLES');
      expect(at.split(', ').sort()).to.deep.equal(['left', 'right']);
      expect(message).to.match(
        /^Cycles "(left|right)" and "(left|right)" both contain "[ab]" and neither encloses the other\. Make their bodies disjoint, or declare nesting with within\.$/,
      );
    });

    it('refuses two cycles over exactly the same nodes, unless one is declared within the other', () => {
      const make = (within: object) => {
        const w = workflow('etl');
        const a = w.add('a', step({ value: 0 }));
        w.cycle('one', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2 });
        w.cycle('two', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2, ...within });
        return w;
      };
      expect(refusal(() => make({}).build()).code).to.equal('OVERLAPPING_CYCLES');
      expect(() => make({ within: 'one' }).build()).not.to.throw();
    });

    it('refuses within that names no cycle, itself, or a cycle that does not enclose it', () => {
      const make = (within: string) => {
        const w = workflow('etl');
        const a = w.add('a', step({ value: 0 }));
        const b = w.add('b', step({ value: 0 }));
        w.cycle('outer', {
          feedback: [a.out.value.to(a.in.value)],
          maxIterations: 2,
          ...(within === 'ring' ? { within: 'inner' } : {}),
        });
        w.cycle('inner', {
          feedback: [b.out.value.to(b.in.value)],
          maxIterations: 2,
          within: within === 'ring' ? 'outer' : within,
        });
        return w;
      };
      expect(refusal(() => make('outr').build())).to.deep.equal({
        code: 'UNKNOWN_NODE',
        at: 'cycle inner',
        message: `The cycle inner names "outr". Did you mean "outer"? ${REMEDY.id}`,
      });
      expect(refusal(() => make('inner').build()).message).to.equal(
        `Cycle "inner" lies within itself. ${REMEDY.overlap}`,
      );
      expect(refusal(() => make('ring').build()).message).to.match(/^Cycle "(inner|outer)" lies within itself\. /);
      expect(() => make('outer').build()).not.to.throw();
    });

    it('refuses a node of a cycle that reads how the cycle ended', () => {
      const w = workflow('etl');
      const two = defineNode({
        name: 'two',
        inputs: { value: type<number>(), why: type<unknown>() },
        outputs: { value: type<number>() },
        run: ({ value }) => ({ value }),
      });
      const a = w.node('a', two, { value: 1 });
      w.cycle('fit', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2 });
      w.connect('fit.reason', 'a.why');
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'UNMARKED_CYCLE',
        at: 'a',
        message:
          '"a" reads how cycle "fit" ended, but is part of it. Declare it with cycle(…) and pass the connection that closes the loop as feedback.',
      });
    });

    it('refuses cycles that read how the other one ended', () => {
      const w = workflow('etl');
      w.cycle('fa', { feedback: [loop(w, 'a')], maxIterations: 2 });
      w.cycle('fb', { feedback: [loop(w, 'b')], maxIterations: 2 });
      w.connect('fa.reason', 'b.other').connect('fb.reason', 'a.other');
      expect(refusal(() => w.build()).code).to.equal('UNMARKED_CYCLE');
    });

    it('refuses cycles that wait for each other as wholes, although no node waits for itself', () => {
      const w = workflow('etl');
      w.cycle('fa', { feedback: [loop(w, 'a1'), loop(w, 'a2')], maxIterations: 2 });
      w.cycle('fb', { feedback: [loop(w, 'b1'), loop(w, 'b2')], maxIterations: 2 });
      w.connect('a1.value', 'b1.other').connect('b2.value', 'a2.other');
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'OVERLAPPING_CYCLES',
        at: 'fb, fa',
        message: `Cycles and nodes wait for each other: fb → fa. ${REMEDY.overlap}`,
      });
    });

    it('refuses feedback and conditions that name what does not exist, in data', () => {
      const w = workflow('etl');
      const a = w.add('a', step({ value: 0 }));
      w.cycle('fit', {
        feedback: [a.out.value.to(a.in.value)],
        until: when(a.out.value, () => true),
        maxIterations: 2,
      });
      const { data, bindings } = w.build();
      const [fit] = data.cycles as [CycleData];
      const wrong = (change: Partial<CycleData>) =>
        refusal(() => checkWorkflow({ ...data, cycles: [{ ...fit, ...change }] }, bindings));
      const edge = (node: string, port: string): Partial<CycleData> => ({
        feedback: [{ from: { kind: 'output', node, port: 'value', path: [] }, to: { node: 'a', port } }],
      });
      expect(wrong(edge('aa', 'value')).message).to.equal(
        'The connection aa.value → a.value names "aa". Did you mean "a"? Correct the id.',
      );
      expect(wrong(edge('a', 'valeu')).message).to.equal(
        'The connection a.value → a.valeu names the input "a.valeu". Did you mean "value"? Correct the port name.',
      );
      const of = { kind: 'output', node: 'a', port: 'los', path: [] } as const;
      const until = { kind: 'function', of } as const;
      expect(wrong({ until })).to.deep.equal({
        code: 'UNKNOWN_PORT',
        at: 'until of fit',
        message: `The until of fit reads "a.los". Known: "value". ${REMEDY.port}`,
      });
    });
  });

  describe('definitions', () => {
    const base = { name: 'n', outputs: {}, run: () => ({}) };
    const wrong = (more: object): string => refusal(() => defineNode({ ...base, ...more } as never)).message;

    it('refuses what is no definition', () => {
      for (const config of [undefined, null, 'clean', () => 1])
        expect(refusal(() => defineNode(config as never))).to.deep.equal({
          code: 'INVALID_DEFINITION',
          at: 'defineNode',
          message: `defineNode() takes an object. ${REMEDY.field}`,
        });
    });

    it('refuses a field that a node cannot have as it is', () => {
      expect(wrong({ run: 'code' })).to.equal(`Node "n" has no run function. ${REMEDY.field}`);
      expect(wrong({ outputs: undefined })).to.equal(`Node "n" declares no outputs. ${REMEDY.field}`);
      expect(wrong({ outputs: null })).to.equal(`Node "n" declares no outputs. ${REMEDY.field}`);
      expect(wrong({ state: { count: 0 } })).to.equal(`The state of node "n" has no Standard Schema. ${REMEDY.field}`);
      expect(wrong({ version: '' })).to.equal(`The version of node "n" must be a non-empty string. ${REMEDY.field}`);
      expect(wrong({ version: 2 })).to.equal(`The version of node "n" must be a non-empty string. ${REMEDY.field}`);
      expect(wrong({ secrets: 'TOKEN' })).to.equal(`The secrets of node "n" are not a list of names. ${REMEDY.field}`);
      expect(wrong({ secrets: [1] })).to.equal(`The secrets of node "n" are not a list of names. ${REMEDY.field}`);
      expect(wrong({ inputMode: 'froze' })).to.equal(
        `node "n".inputMode must be one of "shared", "frozen". ${REMEDY.option}`,
      );
    });

    it('refuses a state without a value to start with', () => {
      const message = `The state of node "n" has no value to start with: give its schema a default, or make it optional. ${REMEDY.field}`;
      for (const state of [z.number(), z.object({ n: z.number().default(0) }), type<number>(), z.string().min(1)])
        expect(refusal(() => defineNode({ ...base, state }))).to.deep.equal({
          code: 'INVALID_DEFINITION',
          at: 'n',
          message,
        });
      for (const state of [z.number().default(0), z.number().optional(), z.unknown(), z.undefined()])
        expect(() => defineNode({ ...base, state })).not.to.throw();
    });

    it('refuses a port without a Standard Schema', () => {
      const says = `Port "n.a" has no Standard Schema. Use a schema library such as zod, or type<T>() for a port without a check. ${REMEDY.field}`;
      for (const schema of [
        Number,
        'number',
        undefined,
        null,
        { '~standard': { version: 2, validate: () => ({}) } },
        { '~standard': { version: 1 } },
      ]) {
        expect(wrong({ inputs: { a: schema } })).to.equal(says);
        expect(wrong({ outputs: { a: schema } })).to.equal(says);
      }
    });

    it('refuses fields that do not exist, with a did-you-mean', () => {
      expect(wrong({ input: {} })).to.equal(
        'node "n" has no option "input". Did you mean "inputs"? Correct its name or remove it.',
      );
      expect(wrong({ timeout: 5 })).to.equal(
        'node "n" has no option "timeout". Did you mean "timeoutMs"? Correct its name or remove it.',
      );
      expect(refusal(() => workflow('w', { parms: {} } as never)).message).to.equal(
        'workflow "w" has no option "parms". Did you mean "params"? Correct its name or remove it.',
      );
      const w = workflow('w');
      w.add('a', source());
      expect(refusal(() => w.build({ output: {} } as never)).message).to.equal(
        'build has no option "output". Did you mean "outputs"? Correct its name or remove it.',
      );
      expect(refusal(() => w.add('b', source(), { rety: {} } as never)).message).to.equal(
        'node "b" has no option "rety". Did you mean "retry"? Correct its name or remove it.',
      );
      expect(refusal(() => w.add('b', source(), { retry: { attempt: 2 } } as never)).message).to.equal(
        'node "b".retry has no option "attempt". Did you mean "attempts"? Correct its name or remove it.',
      );
    });

    it('refuses limits and retries with values they cannot have, in a definition and at its use', () => {
      const w = workflow('w');
      const cases: [object, string][] = [
        [{ timeoutMs: 0 }, 'timeoutMs must be a finite number of milliseconds > 0'],
        [{ timeoutMs: '5s' }, 'timeoutMs must be a finite number of milliseconds > 0'],
        [{ softTimeoutMs: Number.POSITIVE_INFINITY }, 'softTimeoutMs must be a finite number of milliseconds > 0'],
        [{ totalTimeoutMs: -1 }, 'totalTimeoutMs must be a finite number of milliseconds > 0'],
        [{ timeoutMs: 10, softTimeoutMs: 10 }, 'softTimeoutMs must be less than timeoutMs (10)'],
        [{ totalTimeoutMs: 10, softTimeoutMs: 10 }, 'softTimeoutMs must be less than totalTimeoutMs (10)'],
        [{ retry: { attempts: 0 } }, 'retry.attempts must be a whole number of at least 1'],
        [{ retry: { attempts: 1.5 } }, 'retry.attempts must be a whole number of at least 1'],
        [{ retry: { maxLost: -1 } }, 'retry.maxLost must be a whole number of at least 0'],
        [
          { retry: { backoff: 'cubic' } },
          'retry.backoff must be one of "fixed", "linear", "exponential", or { strategy: name } for one that was registered',
        ],
        [{ breaker: { rate: 0 } }, 'breaker.rate must be more than 0'],
        [{ breaker: { rate: 20 } }, 'breaker.rate must be a number from 0 to 1'],
        [{ retry: { delayMs: -1 } }, 'retry.delayMs must be a number from 0 to 9007199254740991'],
        [{ retry: { maxDelayMs: Number.NaN } }, 'retry.maxDelayMs must be a number from 0 to 9007199254740991'],
        [{ retry: { jitter: 1.1 } }, 'retry.jitter must be a number from 0 to 1'],
      ];
      for (const [options, what] of cases) {
        const message = (id: string): string => `node "${id}".${what}. ${REMEDY.option}`;
        expect(
          refusal(() => defineNode({ ...base, ...options } as never)),
          what,
        ).to.deep.include({ code: 'INVALID_OPTION', message: message('n') });
        expect(
          refusal(() => w.add('x', source(), options as never)),
          what,
        ).to.deep.include({ code: 'INVALID_OPTION', message: message('x') });
      }
      expect(refusal(() => w.add('x', source(), { join: 'some' as never })).message).to.equal(
        `node "x".join must be one of "required", "all", "any", "always". ${REMEDY.option}`,
      );
    });

    it('refuses a soft limit at the use that is not below the hard one of the definition', () => {
      const slow = defineNode({ ...base, timeoutMs: 100 });
      expect(refusal(() => workflow('w').add('a', slow(), { softTimeoutMs: 100 }))).to.deep.equal({
        code: 'INVALID_OPTION',
        at: 'node "a".softTimeoutMs',
        message: `node "a".softTimeoutMs must be less than timeoutMs (100). ${REMEDY.option}`,
      });
      expect(workflow('w').add('a', slow(), { softTimeoutMs: 99 }).id).to.equal('a');
      const long = defineNode({ ...base, totalTimeoutMs: 100 });
      expect(refusal(() => workflow('w').add('a', long(), { softTimeoutMs: 100 }))).to.deep.equal({
        code: 'INVALID_OPTION',
        at: 'node "a".softTimeoutMs',
        message: `node "a".softTimeoutMs must be less than totalTimeoutMs (100). ${REMEDY.option}`,
      });
      expect(
        refusal(() => workflow('w').add('a', defineNode({ ...base, softTimeoutMs: 9 })(), { totalTimeoutMs: 9 })).code,
      ).to.equal('INVALID_OPTION');
      expect(workflow('w').add('a', long(), { softTimeoutMs: 99 }).id).to.equal('a');
    });
  });

  describe('contracts', () => {
    const make = () => {
      const w = workflow('etl');
      return { w, a: w.add('a', step({ value: 1 })) };
    };
    const wrong = (contract: unknown): string => {
      const { w, a } = make();
      const { code, at, message } = refusal(() => w.contract(a.in.value, contract as never));
      expect([code, at]).to.deep.equal(['INVALID_DEFINITION', 'a.value']);
      return message;
    };
    const says = (what: string): string => `The contract of "a.value" ${what} ${REMEDY.field}`;

    it('refuses a policy that does not exist, with a did-you-mean', () => {
      expect(wrong({ policies: ['no-pi'] })).to.equal(says('names the policy "no-pi". Did you mean "no-pii"?'));
      expect(wrong({ policies: ['no-pii', 'encrypted'] })).to.equal(
        says('names the policy "encrypted". Known: "no-credentials", "no-pii", "no-sql".'),
      );
      expect(wrong({ policies: [undefined] })).to.contain('names the policy "undefined"');
      expect(wrong({ policies: 'no-pii' })).to.equal(says('does not list its policies in an array.'));
    });

    it('refuses a field that does not exist, with a did-you-mean', () => {
      expect(wrong({ polices: ['no-pii'] })).to.equal(says('has no field "polices". Did you mean "policies"?'));
      expect(wrong({ jsonschema: {} })).to.equal(says('has no field "jsonschema". Did you mean "jsonSchema"?'));
    });

    it('refuses what is no schema, no JSON Schema, no contract, and a contract that says nothing', () => {
      expect(wrong({ schema: { type: 'number' } })).to.equal(says('has a schema that is no Standard Schema.'));
      expect(wrong({ jsonSchema: true })).to.equal(says('has a JSON Schema that is not an object.'));
      expect(wrong({ jsonSchema: [] })).to.equal(says('has a JSON Schema that is not an object.'));
      expect(wrong({})).to.equal(says('says nothing.'));
      for (const contract of [undefined, null, 'no-pii', ['no-pii']])
        expect(wrong(contract)).to.equal(says('is not an object.'));
    });

    it('refuses a contract on an input that does not exist', () => {
      const { w } = make();
      w.contract('a.valeu', { policies: ['no-pii'] });
      expect(refusal(() => w.build())).to.deep.equal({
        code: 'UNKNOWN_PORT',
        at: 'contract a.valeu',
        message: 'The contract a.valeu names the input "a.valeu". Did you mean "value"? Correct the port name.',
      });
      const { w: v } = make();
      v.contract('b.value', { policies: ['no-pii'] });
      expect(refusal(() => v.build()).message).to.equal(
        'The contract b.value names "b". Did you mean "a"? Correct the id.',
      );
      for (const key of ['a', 'a.value.0', ''])
        expect(refusal(() => make().w.contract(key, { policies: ['no-pii'] })).code).to.equal('UNKNOWN_PORT');
    });

    it('keeps several contracts of one input, given by handle or by name', () => {
      const { w, a } = make();
      const jsonSchema = { type: 'number' };
      w.contract(a.in.value, { policies: ['no-pii'] }).contract('a.value', { jsonSchema });
      expect([...w.build().bindings.contracts]).to.deep.equal([
        ['a.value', [{ policies: ['no-pii'] }, { jsonSchema }]],
      ]);
    });
  });

  describe('after build()', () => {
    it('refuses every further change and a second build()', () => {
      const w = workflow('etl');
      const a = w.add('a', step({ value: 1 }));
      w.build();
      const expected = {
        code: 'ALREADY_BUILT',
        at: 'etl',
        message: 'Workflow "etl" is built already. Make all changes before build().',
      };
      const changes: (() => unknown)[] = [
        () => w.build(),
        () => w.add('b', source()),
        () => w.try('b', source()),
        () => w.fn('b', {}, () => 1),
        () => w.node('b', source),
        () => w.connect('a.value', 'b.value'),
        () => w.contract('a.value', { policies: ['no-pii'] }),
        () => w.switch('b', a.out.value, { x: () => true }),
        () => w.partition('b', [] as never, { x: () => true }),
        () => w.cycle('b', { feedback: [a.out.value.to(a.in.value)], maxIterations: 1 }),
      ];
      for (const change of changes) expect(refusal(change), String(change)).to.deep.equal(expected);
    });

    it('throws WorkflowBuildError, whose value is at hand but never printed', () => {
      const error = caught(() => workflow('etl').add('b c', source()));
      expect(error).to.be.instanceOf(WorkflowBuildError);
      expect(error.name).to.equal('WorkflowBuildError');
      expect(error.value).to.equal('b c');
      expect(Object.keys(error)).not.to.include('value');
    });

    it('refuses a reference to a parameter that was not declared, in data', () => {
      const w = workflow('etl', { params: { path: type<string>() } });
      w.node('a', step, {});
      const { data, bindings } = w.build();
      const from = { kind: 'parameter', name: 'pth', path: [] } as const;
      const connections = [{ from, to: { node: 'a', port: 'value' } }];
      expect(refusal(() => checkWorkflow({ ...data, connections }, bindings))).to.deep.equal({
        code: 'UNKNOWN_PARAMETER',
        at: 'connection parameter pth → a.value',
        message:
          'The connection parameter pth → a.value reads parameter "pth". Did you mean "path"? Correct its name or declare it.',
      });
    });
  });
});
