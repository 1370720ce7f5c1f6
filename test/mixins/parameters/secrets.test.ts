import { expect } from 'chai';
import { z } from 'zod';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import type { NodeContext } from '../../../src/base/node-context.js';
import type { RunFailedError, RunRejectedError } from '../../../src/base/run-errors.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { MemoryLog } from '../../../src/testing/memory-log.js';
import { both, type Given } from '../../support/both.js';
import { take } from '../../support/nodes.js';

const TOKEN = 'tok-4711-xyz';
const secrets = { load: () => ({ TOKEN, KEY: 'key-0815' }) };
const withSecrets: Given = { runtime: { secrets } };

/** A workflow of one node that declares TOKEN and does as told. */
function single(run: (context: NodeContext) => unknown, declared: readonly string[] = ['TOKEN']) {
  return () => {
    const w = workflow('secretive');
    const node = defineNode({
      name: 'node',
      outputs: { v: type<unknown>() },
      secrets: declared,
      run: (_, context) => ({ v: run(context as NodeContext) }),
    });
    const h = w.add('h', node());
    return w.build({ outputs: { v: h.out.v } });
  };
}

/** Everything that a value shows when it is printed or serialised. */
function shown(value: unknown): string {
  const errors = (_: string, inner: unknown): unknown => {
    if (inner instanceof Error)
      return { ...inner, name: inner.name, message: inner.message, stack: inner.stack, cause: inner.cause };
    return inner instanceof Map || inner instanceof Set ? [...inner] : inner;
  };
  return JSON.stringify(value, errors);
}

describe('A secret', () => {
  it('is what the provider loaded, in the node that declares it', async () => {
    const run = await both(
      single((context) => context.secret('TOKEN').length),
      withSecrets,
    );
    expect(run.output).to.deep.equal({ v: 12 });
  });

  it('is loaded once a run, together with all others, each name once', async () => {
    const asked: (readonly string[])[] = [];
    const counting = {
      load: (names: readonly string[]) => {
        asked.push(names);
        return secrets.load();
      },
    };
    const build = () => {
      const w = workflow('two');
      const needs = (...names: string[]) =>
        defineNode({
          name: 'needs',
          outputs: { v: type<string>() },
          secrets: names,
          run: (_, { secret }) => ({ v: names.map(secret).join() }),
        })();
      w.add('a', needs('TOKEN'));
      w.add('b', needs('KEY', 'TOKEN'));
      return w.build();
    };
    const run = await both(build, { runtime: { secrets: counting } });
    expect(run.results).to.deep.equal({ a: { v: TOKEN }, b: { v: `key-0815,${TOKEN}` } });
    expect(asked).to.deep.equal([
      ['TOKEN', 'KEY'],
      ['TOKEN', 'KEY'],
      ['TOKEN', 'KEY'],
    ]);
  });

  it('is not asked for where no node declares one', async () => {
    const failing = {
      load: () => {
        throw new Error('asked');
      },
    };
    const run = await both(
      single(() => 1, []),
      { runtime: { secrets: failing } },
    );
    expect(run.output).to.deep.equal({ v: 1 });
  });

  it('under a name that is no text is refused like any other that is not declared', async () => {
    const run = await both(
      single((context) => context.secret(Symbol('TOKEN') as never)),
      withSecrets,
    );
    expect(run.errors).to.deep.equal({ h: 'SECRET_UNDECLARED' });
    expect(run.messages.h).to.contain('asked for secret "Symbol(TOKEN)"');
  });

  it('that a node does not declare is refused to it, although another declares it, and is not tried again', async () => {
    const run = await both(() => {
      const w = workflow('greedy');
      w.add('modest', defineNode({ name: 'modest', outputs: {}, secrets: ['TOKEN'], run: () => ({}) })());
      w.add(
        'greedy',
        defineNode({
          name: 'greedy',
          outputs: {},
          retry: { attempts: 3 },
          run: (_, { secret }) => {
            secret('TOKEN' as never);
            return {};
          },
        })(),
      );
      return w.build();
    }, withSecrets);
    expect(run.errors).to.deep.equal({ greedy: 'SECRET_UNDECLARED' });
    expect(run.attempts).to.deep.equal({ modest: 1, greedy: 1 });
    expect(run.messages.greedy).to.equal(
      'Node "greedy" asked for secret "TOKEN", which it does not declare. Declare it in the node definition.',
    );
  });

  it('without a value rejects the run before the first node, naming every one', async () => {
    for (const runtime of [
      {},
      { secrets: { load: () => ({}) } },
      { secrets: { load: () => ({ TOKEN: 5 }) as never } },
      { secrets: { load: () => undefined as never } },
    ]) {
      const run = await both(
        single(() => 1, ['TOKEN', 'constructor']),
        { runtime },
      );
      expect(run.problems).to.deep.equal([
        { code: 'SECRET_MISSING', message: 'Secret "TOKEN" has no value. Make the provider return it.' },
        { code: 'SECRET_MISSING', message: 'Secret "constructor" has no value. Make the provider return it.' },
      ]);
      expect(run.log).to.deep.equal([]);
    }
  });

  it('without a value is missing whatever a provider answers, at once or later', async () => {
    for (const answer of [null, undefined, 5, 'TOKEN', true, Symbol('s'), [], () => secrets.load()]) {
      const problems = [
        { code: 'SECRET_MISSING', message: 'Secret "TOKEN" has no value. Make the provider return it.' },
      ];
      const build = single(() => 1);
      const now = await both(build, { runtime: { secrets: { load: () => answer as never } } });
      const provider = { load: async () => answer };
      const later = await both(build, { forms: ['async', 'async nodes'], runtime: { secrets: provider as never } });
      expect([now.problems, later.problems]).to.deep.equal([problems, problems]);
    }
  });

  it('that throws when it is read is a rejection of the run, with the cause', async () => {
    const trap = {
      get TOKEN(): string {
        throw new Error('sealed');
      },
    };
    const build = single(() => 1);
    const now = await both(build, { runtime: { secrets: { load: () => trap } } });
    const provider = { load: async () => trap };
    const later = await both(build, { forms: ['async', 'async nodes'], runtime: { secrets: provider as never } });
    for (const run of [now, later]) {
      const cause = (run.error as RunRejectedError).problems[0]?.cause as Error;
      expect([run.status, run.code, cause.message]).to.deep.equal(['rejected', 'SECRETS_FAILED', 'sealed']);
    }
  });

  it('from an asynchronous provider is awaited in AsyncLocalRuntime and refused in LocalRuntime', async () => {
    const provider = { load: async () => secrets.load() };
    const build = single((context) => context.secret('TOKEN').length);
    const run = await both(build, { forms: ['async', 'async nodes'], runtime: { secrets: provider as never } });
    expect(run.output).to.deep.equal({ v: 12 });
    const refused = await both(build, { forms: ['local'], runtime: { secrets: provider as never } });
    expect(refused.problems).to.deep.equal([
      {
        code: 'SECRETS_ASYNC',
        message: 'The secret provider answered with a promise. Use a synchronous provider, or AsyncLocalRuntime.',
      },
    ]);
  });

  it('whose provider throws or rejects is a rejection of the run, with the cause', async () => {
    const vault = new Error('vault down');
    const build = single(() => 1);
    const throws = {
      load: () => {
        throw vault;
      },
    };
    const thrown = await both(build, { runtime: { secrets: throws } });
    expect([thrown.status, thrown.code]).to.deep.equal(['rejected', 'SECRETS_FAILED']);
    const rejects = { load: () => Promise.reject(vault) };
    const rejected = await both(build, { forms: ['async', 'async nodes'], runtime: { secrets: rejects as never } });
    expect([rejected.status, rejected.code]).to.deep.equal(['rejected', 'SECRETS_FAILED']);
  });

  it('whose asynchronous provider rejects leaves no unhandled rejection in LocalRuntime', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listener);
    const run = await both(
      single(() => 1),
      { forms: ['local'], runtime: { secrets: { load: () => Promise.reject(new Error('vault')) } as never } },
    );
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listener);
    expect([run.code, unhandled]).to.deep.equal(['SECRETS_ASYNC', []]);
  });

  it('is available under a destructured `secret`, in every attempt', async () => {
    const build = () => {
      let left = 2;
      const w = workflow('retrying');
      const node = defineNode({
        name: 'node',
        outputs: { v: type<number>() },
        secrets: ['TOKEN'],
        retry: { attempts: 3 },
        run: (_, { secret, attempt }) => {
          if (left-- > 0) throw new Error(`no: ${secret('TOKEN')}`);
          return { v: attempt };
        },
      });
      const h = w.add('h', node());
      return w.build({ outputs: { v: h.out.v } });
    };
    const run = await both(build, withSecrets);
    expect(run.output).to.deep.equal({ v: 3 });
    const failures = run.events.flatMap((event) => (event.kind === 'attempt.failed' ? [event.data.error.message] : []));
    expect(failures).to.deep.equal(['no: [secret]', 'no: [secret]']);
  });
});

describe('A secret is masked', () => {
  it('in the log: messages and fields, however deep', async () => {
    const run = await both(
      single(({ secret, log }) => {
        const token = secret('TOKEN');
        log.log('info', `token ${token}`, {
          token,
          list: [{ token }],
          [token]: 1,
          error: new Error(token, { cause: token }),
          map: new Map([[token, token]]),
          url: new URL(`https://u:${token}@host/`),
        });
        return 1;
      }),
      withSecrets,
    );
    expect(run.logged).to.have.length(1);
    const [entry] = run.logged;
    expect(entry?.message).to.equal('token [secret]');
    expect(entry?.fields).to.deep.include({
      token: '[secret]',
      list: [{ token: '[secret]' }],
      '[secret]': 1,
      map: new Map([['[secret]', '[secret]']]),
      url: 'https://u:[secret]@host/',
    });
    expect(entry?.fields).to.deep.include({ runId: 'run-1', node: 'h', visit: 1, attempt: 1 });
    expect(entry?.fields.error).to.be.instanceOf(Error);
    expect(shown(run.logged)).not.to.include(TOKEN);
  });

  it('in progress and in emitted data', async () => {
    const run = await both(
      single(({ secret, progress, emit }) => {
        progress(1, 2, `with ${secret('TOKEN')}`);
        emit({ chunk: [secret('TOKEN')] });
        emit(new Set([secret('TOKEN')]));
        emit('plain');
        return 1;
      }),
      withSecrets,
    );
    const place = { runId: 'run-1', scope: '', node: 'h', visit: 1, attempt: 1 };
    expect(run.progress).to.deep.equal([{ ...place, current: 1, total: 2, message: 'with [secret]' }]);
    expect(run.data).to.deep.equal([
      { ...place, data: { chunk: ['[secret]'] } },
      { ...place, data: new Set(['[secret]']) },
      { ...place, data: 'plain' },
    ]);
  });

  it('in events: outputs, node state and parameters; the result keeps the value itself', async () => {
    const build = () => {
      const w = workflow('stateful', { params: { p: z.string() } });
      const node = defineNode({
        name: 'node',
        inputs: { p: z.string(), q: z.string() },
        outputs: { v: type<string>() },
        secrets: ['TOKEN'],
        state: z.object({ last: z.string() }).optional(),
        run: (_, { secret, setState }) => {
          setState({ last: secret('TOKEN') });
          return { v: secret('TOKEN') };
        },
      });
      const h = w.add('h', node({ p: w.params.p, q: 'q' }));
      return w.build({ outputs: { v: h.out.v } });
    };
    const run = await both(build, {
      ...withSecrets,
      params: { p: `from outside: ${TOKEN}` },
      run: { set: { h: { q: TOKEN } } },
    });
    expect(run.output).to.deep.equal({ v: TOKEN });
    const data = run.events.map((event) => [event.kind, event.data] as const);
    expect(data[0]?.[1]).to.deep.include({
      parameters: { p: 'from outside: [secret]' },
      set: [{ node: 'h', port: 'q', value: '[secret]' }],
    });
    expect(data[2]).to.deep.equal([
      'attempt.completed',
      { scope: '', node: 'h', visit: 1, attempt: 1, output: { v: '[secret]' }, state: { last: '[secret]' } },
    ]);
    expect(data[3]).to.deep.equal(['run.completed', { output: { v: '[secret]' } }]);
  });

  it('in the events that onEvent gets', async () => {
    const seen: unknown[] = [];
    const run = await both(
      single(({ secret }) => secret('TOKEN')),
      { ...withSecrets, run: { onEvent: (event) => seen.push(event) } },
    );
    expect(run.status).to.equal('completed');
    expect(shown(seen)).to.include('[secret]').and.not.include(TOKEN);
  });

  it('in errors: of the node, of the run, with names, codes and causes', async () => {
    const run = await both(
      single(({ secret }) => {
        const cause = Object.assign(new Error(`inner ${secret('TOKEN')}`, { cause: secret('TOKEN') }), {
          code: secret('TOKEN'),
        });
        throw Object.assign(new Error(`outer ${secret('TOKEN')}`, { cause }), { name: `Bad${secret('TOKEN')}` });
      }),
      withSecrets,
    );
    const failed = run.events.find((event) => event.kind === 'attempt.failed');
    expect(failed?.data).to.deep.include({
      error: {
        name: 'Bad[secret]',
        code: 'NODE_THREW',
        message: 'outer [secret]',
        cause: {
          name: 'Error',
          code: '[secret]',
          message: 'inner [secret]',
          cause: { name: 'NonError', code: 'NODE_THREW', message: '[secret]' },
        },
      },
    });
    expect(run.messages).to.deep.equal({ h: 'outer [secret]' });
    const error = run.error as RunFailedError;
    expect(error.message).to.match(/^Run run-1 of "secretive" failed in "h": NODE_THREW: outer \[secret\]/);
    expect(error.cause).to.be.instanceOf(Error);
    expect((error.cause as Error).message).to.equal('NODE_THREW: outer [secret]');
    expect(shown([error, run.error?.stack, run.events])).not.to.include(TOKEN);
  });

  it('in the error of a run whose output cannot be read', async () => {
    const build = () => {
      const w = workflow('reading');
      const node = defineNode({
        name: 'node',
        outputs: { v: type<{ a: string }>() },
        secrets: ['TOKEN'],
        run: (_, { secret }) => ({ v: { a: secret('TOKEN') } }),
      });
      const h = w.add('h', node());
      const odd = z.string().refine(() => false, { error: ({ input }) => `odd: ${String(input)}` });
      return w.build({ outputs: { v: h.out.v.path('a', odd) } });
    };
    const run = await both(build, withSecrets);
    expect(run.status).to.equal('failed');
    const last = run.events.at(-1);
    expect(last?.kind === 'run.failed' && last.data.error.message).to.match(/odd: \[secret\]/);
    expect(shown([run.events, run.error?.message, (run.error as RunFailedError).failure])).not.to.include(TOKEN);
  });

  it('in the error that a node with allowFailure offers as data', async () => {
    const build = () => {
      const w = workflow('trying');
      const t = w.try(
        't',
        defineNode({
          name: 't',
          outputs: { v: type<number>() },
          secrets: ['TOKEN'],
          run: (_, { secret }) => {
            throw new Error(secret('TOKEN'));
          },
        })(),
      );
      const h = w.add('h', take(z.unknown())({ x: t.error }));
      return w.build({ outputs: { error: h.out.seen } });
    };
    const run = await both(build, withSecrets);
    expect(run.output).to.deep.equal({ error: { name: 'Error', code: 'NODE_THREW', message: '[secret]' } });
  });

  it('in the reason of a cancellation', async () => {
    const build = single(({ secret }) => secret('TOKEN'));
    const run = await both(build, {
      ...withSecrets,
      run: () => ({ signal: AbortSignal.abort(`because of ${TOKEN}`) }),
    });
    expect(run.status).to.equal('cancelled');
    expect(run.error?.message).to.include('because of [secret]').and.not.include(TOKEN);
    expect(shown(run.events)).not.to.include(TOKEN);
  });

  it('in warnings, and in the error of a cycle whose condition threw', async () => {
    const build = () => {
      const w = workflow('looping');
      const step = defineNode({
        name: 'step',
        inputs: { n: type<number>() },
        outputs: { n: type<string>() },
        secrets: ['TOKEN'],
        run: (_, { secret }) => ({ n: secret('TOKEN') }),
      });
      const h = w.node('h', step, { n: 1 });
      w.contract('check.x', {
        schema: z.string().refine(() => false, { error: ({ input }) => `odd: ${String(input)}` }),
      });
      w.add('check', take(z.string())({ x: h.out.n }));
      w.cycle('loop', {
        feedback: [h.out.n.to(h.in.n as never)],
        maxIterations: 2,
        until: when(h.out.n, (value) => {
          throw new Error(`cannot compare ${value}`);
        }),
      });
      return w.build();
    };
    const run = await both(build, withSecrets);
    expect(run.status).to.equal('failed');
    expect(shown([run.events, run.cycles, run.error, run.error?.message, run.warnings]))
      .to.include('[secret]')
      .and.not.include(TOKEN);
  });

  it('in warnings of contracts', async () => {
    const build = () => {
      const w = workflow('contracted');
      const step = defineNode({
        name: 'step',
        outputs: { n: type<string>() },
        secrets: ['TOKEN'],
        run: (_, { secret }) => ({ n: secret('TOKEN') }),
      });
      const h = w.add('h', step());
      w.add('check', take(z.string())({ x: h.out.n }));
      w.contract('check.x', {
        schema: z.string().refine(() => false, { error: ({ input }) => `odd: ${String(input)}` }),
      });
      return w.build();
    };
    const run = await both(build, withSecrets);
    expect(run.warnings).to.deep.equal([{ code: 'contract', message: 'check.x: odd: [secret]', at: 'check.x' }]);
  });

  it('where a listener cannot see it, the log of the runtime shows neither', async () => {
    const log = new MemoryLog();
    const fails = (): never => {
      throw new Error('listener');
    };
    for (const runtime of [new LocalRuntime({ secrets, log }), new AsyncLocalRuntime({ secrets, log })]) {
      runtime.on('data', fails);
      await runtime.settle(single(({ secret, emit }) => emit(secret('TOKEN')))());
    }
    expect(log.entries.map(({ message }) => message)).to.deep.equal([
      'The listener of "data" threw; the run goes on.',
      'The listener of "data" threw; the run goes on.',
    ]);
    expect(shown(log.entries)).not.to.include(TOKEN);
  });

  it('without touching what an event is about, however short the secret', async () => {
    const run = await both(
      single(({ secret }) => secret('TOKEN')),
      { runtime: { secrets: { load: () => ({ TOKEN: 'e' }) } } },
    );
    const [started, attempted] = run.events;
    expect(started?.data).to.deep.include({ workflow: 'secretive', plan: { nodes: ['h'], cycles: [] } });
    expect(attempted).to.deep.include({
      kind: 'attempt.started',
      data: { scope: '', node: 'h', visit: 1, attempt: 1 },
    });
    expect(run.events.at(-1)?.data).to.deep.equal({ output: { v: '[secret]' } });
  });

  it('not at all when it is empty', async () => {
    const run = await both(
      single(({ secret }) => `<${secret('TOKEN')}>`),
      { runtime: { secrets: { load: () => ({ TOKEN: '' }) } } },
    );
    expect(run.events.at(-1)?.data).to.deep.equal({ output: { v: '<>' } });
  });
});
