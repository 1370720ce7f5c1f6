import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import type { Contract } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { both } from '../../support/both.js';
import { give, schemaThat, take } from '../../support/nodes.js';

function contracted(value: unknown, contracts: readonly Contract[], schema: z.ZodType = z.unknown()) {
  return () => {
    const w = workflow('contracted');
    const source = w.add('source', give(value));
    const h = w.add('h', take(schema)({ x: source.out.v }));
    for (const contract of contracts) w.contract(h.in.x as never, contract);
    w.add('free', take(z.unknown())({ x: source.out.v }));
    return w.build({ outputs: { seen: h.out.seen } });
  };
}

/** What a contract says of a value, as kind and message. */
function violations(value: unknown, ...contracts: readonly Contract[]): string[] {
  const found = new LocalRuntime().validateConnectionContracts(contracted(value, contracts)(), 'h', { x: value });
  expect(found.every(({ node, port }) => node === 'h' && port === 'x')).to.equal(true);
  return found.map(({ kind, message }) => `${kind}: ${message}`);
}

const positive: Contract = { schema: z.number().positive() };
const SECRET_KEY = `sk_live_${'1A'.repeat(12)}`;

describe('validateConnectionContracts', () => {
  it('checks a Standard Schema', () => {
    expect(violations(1, positive)).to.deep.equal([]);
    expect(violations(-1, positive)).to.deep.equal(['schema: Too small: expected number to be >0']);
    expect(violations({ a: { b: 1 } }, { schema: z.object({ a: z.object({ b: z.string() }) }) })).to.deep.equal([
      'schema: a.b: Invalid input: expected string, received number',
    ]);
  });

  it('counts a schema that answers later, throws or says nothing as broken', () => {
    expect(violations('x', { schema: z.string().refine(async () => true) })).to.deep.equal([
      'schema: its schema validates asynchronously',
    ]);
    const throwing = schemaThat(() => {
      throw new Error('no');
    });
    expect(violations('x', { schema: throwing })).to.deep.equal(['schema: its schema threw']);
    expect(violations('x', { schema: schemaThat(() => undefined) })).to.deep.equal(['schema: its schema threw']);
  });

  it('checks a JSON Schema, and says where inside the value', () => {
    const jsonSchema = {
      type: 'object',
      required: ['id'],
      properties: { id: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } },
    };
    expect(violations({ id: 1, tags: ['a'] }, { jsonSchema })).to.deep.equal([]);
    expect(violations({}, { jsonSchema })).to.deep.equal([
      'json-schema: #: Instance does not have required property "id".',
    ]);
    expect(violations({}, { jsonSchema: { ...jsonSchema, required: ['id', 'at'] } })).to.deep.equal([
      'json-schema: #: Instance does not have required property "id".; #: Instance does not have required property "at".',
    ]);
    expect(violations({ id: 1, tags: ['a', 2] }, { jsonSchema })[0]).to.match(
      /^json-schema: .*#\/tags\/1: Instance type "number" is invalid\. Expected "string"\.$/,
    );
  });

  it('knows draft 2020-12', () => {
    const jsonSchema = {
      $defs: { id: { type: 'integer' } },
      prefixItems: [{ $ref: '#/$defs/id' }],
      items: { type: 'string' },
      dependentRequired: { a: ['b'] },
    };
    expect(violations([1, 'x'], { jsonSchema })).to.deep.equal([]);
    expect(violations(['x'], { jsonSchema })).to.have.length(1);
    expect(
      violations([1], { jsonSchema: { ...jsonSchema, prefixItems: [{ $ref: '#/$defs/id', minimum: 5 }] } }),
    ).to.have.length(1);
    expect(violations({ a: 1 }, { jsonSchema })).to.deep.equal([
      'json-schema: #: Instance has "a" but does not have "b".',
    ]);
  });

  it('never repeats the value, not even a number beyond a limit', () => {
    const limits = [
      { minimum: 5000 },
      { exclusiveMinimum: 5000 },
      { maximum: 10 },
      { exclusiveMaximum: 10 },
      { multipleOf: 10 },
    ];
    expect(limits.map((jsonSchema) => violations(4711, { jsonSchema })[0])).to.deep.equal([
      'json-schema: #: The value is less than 5000.',
      'json-schema: #: The value is less than 5000.',
      'json-schema: #: The value is greater than 10.',
      'json-schema: #: The value is greater than or equal to 10.',
      'json-schema: #: The value is not a multiple of 10.',
    ]);
  });

  it('says so when a JSON Schema cannot be applied: silence would be a pass', () => {
    const cannot = ['json-schema: the value or the schema cannot be compared'];
    expect(violations('x', { jsonSchema: { $ref: 'https://example.org/other' } })).to.deep.equal(cannot);
    expect(violations(undefined, { jsonSchema: { type: 'string' } })).to.deep.equal(cannot);
    expect(violations(1n, { jsonSchema: { type: 'integer' } })).to.deep.equal(cannot);
  });

  it('applies each policy', () => {
    expect(violations({ key: SECRET_KEY }, { policies: ['no-credentials'] })).to.deep.equal([
      'policy: no-credentials: stripe-key at $.key',
    ]);
    expect(violations(['me@example.org'], { policies: ['no-pii'] })).to.deep.equal(['policy: no-pii: e-mail at $[0]']);
    expect(violations("' OR 1=1 --", { policies: ['no-sql'] })[0]).to.match(/^policy: no-sql: /);
    expect(
      violations({ text: 'nothing of the kind' }, { policies: ['no-credentials', 'no-pii', 'no-sql'] }),
    ).to.deep.equal([]);
  });

  it('applies everything in a contract, and every contract of an input, in the order of declaration', () => {
    const all: Contract = { schema: z.number(), jsonSchema: { type: 'integer' }, policies: ['no-pii'] };
    expect(violations('me@example.org', all, { jsonSchema: { const: 1 } })).to.deep.equal([
      'schema: Invalid input: expected number, received string',
      'json-schema: #: Instance type "string" is invalid. Expected "integer".',
      'policy: no-pii: e-mail at $',
      'json-schema: #: Instance does not match 1.',
    ]);
  });

  it('looks at inputs with a contract only', () => {
    const built = contracted(-1, [positive])();
    for (const runtime of [new LocalRuntime(), new AsyncLocalRuntime()]) {
      expect(runtime.validateConnectionContracts(built, 'free', { x: -1 })).to.deep.equal([]);
      expect(runtime.validateConnectionContracts(built, 'h', { y: -1 })).to.deep.equal([]);
      expect(runtime.validateConnectionContracts(contracted(-1, [])(), 'h', { x: -1 })).to.deep.equal([]);
    }
  });

  it('refuses a node that does not exist', () => {
    const built = contracted(1, [positive])();
    expect(() => new LocalRuntime().validateConnectionContracts(built, 'hh', { x: 1 }))
      .to.throw('Workflow "contracted" has no node "hh". Did you mean "h"?')
      .with.property('code', 'UNKNOWN_NODE');
  });

  it('applies contracts at every level: it was asked to', () => {
    const built = contracted(-1, [positive])();
    expect(new LocalRuntime({ validation: 'off' }).validateConnectionContracts(built, 'h', { x: -1 })).to.have.length(
      1,
    );
  });
});

describe('A contract during a run', () => {
  const broken = contracted(-1, [positive]);

  it('that is broken is a warning, and the node sees the value', async () => {
    const run = await both(broken);
    expect(run.output).to.deep.equal({ seen: -1 });
    expect(run.warnings).to.deep.equal([
      { code: 'contract', message: 'h.x: Too small: expected number to be >0', at: 'h.x' },
    ]);
  });

  it('that is broken fails the attempt in strict, which is not tried again', async () => {
    const run = await both(
      () => {
        const w = workflow('retrying');
        const source = w.add('source', give(-1));
        w.add('h', take(z.number())({ x: source.out.v }), { retry: { attempts: 3 } });
        w.contract('h.x', positive);
        return w.build();
      },
      { runtime: { validation: 'strict' } },
    );
    expect(run.errors).to.deep.equal({ h: 'CONTRACT_VIOLATED' });
    expect(run.attempts).to.deep.equal({ source: 1, h: 1 });
    expect(run.messages.h).to.equal(
      'Input "h.x": Too small: expected number to be >0; it comes from source.v. Correct the value or the contract.',
    );
  });

  it('is not looked at when validation is off', async () => {
    const run = await both(broken, { runtime: { validation: 'off' } });
    expect([run.output, run.warnings]).to.deep.equal([{ seen: -1 }, []]);
  });

  it('that holds leaves no trace', async () => {
    const run = await both(contracted(1, [positive]), { runtime: { validation: 'strict' } });
    expect([run.output, run.warnings]).to.deep.equal([{ seen: 1 }, []]);
  });

  it('is one warning for everything that is broken at an input', async () => {
    const run = await both(
      contracted('me@example.org', [{ policies: ['no-pii'] }, { jsonSchema: { type: 'number' } }]),
    );
    expect(run.warnings).to.deep.equal([
      {
        code: 'contract',
        message: 'h.x: no-pii: e-mail at $; #: Instance type "string" is invalid. Expected "number".',
        at: 'h.x',
      },
    ]);
  });

  it('is one warning for each input; in strict the first input in the order of ports fails the attempt', async () => {
    const build = () => {
      const w = workflow('several');
      const source = w.add('source', give(-1));
      const node = defineNode({
        name: 'node',
        inputs: { a: z.number(), b: z.number() },
        outputs: { v: z.number() },
        run: ({ a, b }) => ({ v: a + b }),
      });
      w.add('h', node({ a: source.out.v, b: source.out.v }));
      w.contract('h.b', positive).contract('h.a', positive);
      return w.build();
    };
    const said = 'Too small: expected number to be >0';
    expect((await both(build)).warnings.map(({ at, message }) => [at, message])).to.deep.equal([
      ['h.a', `h.a: ${said}`],
      ['h.b', `h.b: ${said}`],
    ]);
    expect((await both(build, { runtime: { validation: 'strict' } })).messages.h).to.match(/^Input "h\.a": /);
  });

  it('sees the value as it was delivered, not what the schema of the input makes of it', async () => {
    const stripping = z.object({ user: z.string() });
    const run = await both(contracted({ user: 'me', key: SECRET_KEY }, [{ policies: ['no-credentials'] }], stripping));
    expect(run.output).to.deep.equal({ seen: { user: 'me' } });
    expect(run.warnings.map(({ message }) => message)).to.deep.equal(['h.x: no-credentials: stripe-key at $.key']);
  });

  it('does not see a default: nobody delivered it', async () => {
    const run = await both(
      () => {
        const w = workflow('defaulting');
        w.add('h', take(z.number().default(-1))({}));
        w.contract('h.x', positive);
        return w.build();
      },
      { runtime: { validation: 'strict' } },
    );
    expect(run.results).to.deep.equal({ h: { seen: -1 } });
  });

  it('sees literals and parameters, which are delivered, too', async () => {
    const literal = () => {
      const w = workflow('literal');
      w.add('h', take(z.number())({ x: -1 }));
      w.contract('h.x', positive);
      return w.build();
    };
    expect((await both(literal)).warnings).to.have.length(1);
    expect((await both(literal, { run: { set: { h: { x: 1 } } } })).warnings).to.deep.equal([]);
    const strict = await both(literal, { params: { x: -2 }, runtime: { validation: 'strict' } });
    expect(strict.messages.h).to.match(/^Input "h\.x": Too small: expected number to be >0; it is a literal\./);
  });

  it('applies to feedback in every iteration', async () => {
    const run = await both(
      () => {
        const w = workflow('looping');
        const h = w.node('h', take(z.number()), { x: 1 });
        const next = w.fn('next', { n: h.out.seen }, ({ n }) => (n as number) - 1);
        w.contract('h.x', { schema: z.number().nonnegative() });
        w.cycle('loop', { feedback: [next.out.value.to(h.in.x as never)], maxIterations: 5 });
        return w.build();
      },
      { runtime: { validation: 'strict' } },
    );
    expect(run.visits.h).to.equal(3);
    expect(run.messages.h).to.match(/it comes from next\.value \(feedback of loop\)\./);
  });
});
