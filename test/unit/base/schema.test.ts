import { expect } from 'chai';
import { z } from 'zod';
import { AttemptError } from '../../../src/base/errors.js';
import {
  acceptsUndefined,
  ask,
  formatIssues,
  isSchema,
  isThenable,
  isUnchecked,
  type,
} from '../../../src/base/schema.js';
import type { StandardSchema } from '../../../src/base/standard-schema.js';
import { caught } from '../../support/caught.js';

function schema(validate: (value: unknown) => unknown): StandardSchema {
  return { '~standard': { version: 1, vendor: 'test', validate: validate as never } };
}

const broken = schema(() => {
  throw new Error('broken');
});

describe('schemas', () => {
  it('are recognised by the Standard Schema interface, version 1, on objects and functions', () => {
    const callable = Object.assign(
      () => 1,
      schema(() => ({ value: 1 })),
    );
    for (const good of [z.number(), type<number>(), schema(() => ({ value: 1 })), callable])
      expect(isSchema(good)).to.equal(true);
    const versions = [{ '~standard': { version: 2, validate: () => 1 } }, { '~standard': { validate: () => 1 } }];
    for (const bad of [
      undefined,
      null,
      5,
      'z',
      {},
      { '~standard': null },
      { '~standard': { version: 1 } },
      ...versions,
    ])
      expect(isSchema(bad)).to.equal(false);
  });

  describe('type<T>()', () => {
    it('is one schema that is never asked', () => {
      expect(type<number>()).to.equal(type<string>());
      expect(isUnchecked(type<number>())).to.equal(true);
      expect(isUnchecked(z.unknown())).to.equal(false);
    });

    it('passes every value but undefined, as it is', () => {
      const value = { a: 1 };
      expect(ask(type<unknown>(), value, 'x')).to.deep.equal({ value });
      expect(ask(type<unknown>(), null, 'x')).to.deep.equal({ value: null });
      expect(ask(type<unknown>(), undefined, 'x')).to.deep.equal({ issues: [{ message: 'a value is required' }] });
    });
  });

  describe('asking', () => {
    it('returns what the schema answers', () => {
      expect(ask(z.number().default(7), undefined, 'x')).to.deep.equal({ value: 7 });
      expect(ask(z.number(), 'seven', 'x').issues?.map(({ message }) => message)).to.deep.equal([
        'Invalid input: expected number, received string',
      ]);
    });

    it('turns what a schema throws into SCHEMA_THREW with the cause', () => {
      const error = caught(() => ask(broken, 1, 'clean.rows'));
      expect(error).to.be.instanceOf(AttemptError);
      expect([error.code, error.at, error.message]).to.deep.equal([
        'SCHEMA_THREW',
        'clean.rows',
        'The schema of clean.rows threw. Correct the schema.',
      ]);
      expect((error.cause as Error).message).to.equal('broken');
    });

    it('refuses a promise with SCHEMA_ASYNC, and handles its rejection', async () => {
      const error = caught(() =>
        ask(
          schema(() => Promise.reject(new Error('later'))),
          1,
          'clean.rows',
        ),
      );
      expect([error.code, error.message]).to.deep.equal([
        'SCHEMA_ASYNC',
        'The schema of clean.rows validates asynchronously. Use a schema that answers at once; validate slowly inside a node.',
      ]);
      await new Promise((resolve) => setImmediate(resolve));
    });

    it('finds whether undefined is accepted; a schema that throws or waits refuses', () => {
      const accepts = [
        z.number().optional(),
        z.number().default(1),
        z.unknown(),
        z.coerce.string(),
        type<number>(),
        z.number(),
        z.null(),
        broken,
        schema(async () => ({ value: 1 })),
      ];
      expect(accepts.map(acceptsUndefined)).to.deep.equal([true, true, true, true, false, false, false, false, false]);
    });
  });

  it('show issues as one line with their paths', () => {
    expect(formatIssues([{ message: 'too small' }])).to.equal('too small');
    expect(
      formatIssues([
        { message: 'expected string', path: ['rows', 0, { key: 'name' }] },
        { message: 'gone', path: [] },
      ]),
    ).to.equal('rows.0.name: expected string; gone');
    expect(formatIssues([])).to.equal('');
    expect(formatIssues([{ message: 'no', path: [Symbol('s')] }])).to.equal('Symbol(s): no');
  });

  it('know a promise, or what behaves like one, from other values', () => {
    const values = [
      Promise.resolve(),
      { then: () => undefined },
      Object.assign(() => 1, { then: () => 1 }),
      { then: 5 },
      {},
      null,
      undefined,
      'then',
      5,
    ];
    expect(values.map(isThenable)).to.deep.equal([true, true, true, false, false, false, false, false, false]);
  });
});
