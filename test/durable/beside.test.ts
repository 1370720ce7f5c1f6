import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { EventStore } from '../../src/base/history/event-store.js';
import { AsyncLocalRuntime, LocalRuntime, moduleNode, type RunEvent, type, workflow } from '../../src/index.js';
import { MemoryEventStore, memoryEventStore } from '../../src/plugins/event-store/index.js';

function opened(): EventStore {
  const store = new MemoryEventStore();
  store.open();
  return store;
}

describe('What ends while something else goes on', () => {
  it('is committed and told then, not when the rest ends', async () => {
    const store = opened();
    let end = (): void => undefined;
    const w = workflow('beside');
    w.fn('quick', {}, async () => 1);
    w.fn(
      'slow',
      {},
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    );
    const runtime = new AsyncLocalRuntime({ store });
    const heard: RunEvent[] = [];
    let tell = (): void => undefined;
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const running = runtime.execute(w.build(), undefined, {
      onEvent: (event) => {
        heard.push(event);
        if (event.kind === 'attempt.completed') tell();
      },
    });
    await told;
    const [record] = store.runs();
    expect(heard.map(({ kind }) => kind)).to.deep.equal([
      'run.started',
      'attempt.started',
      'attempt.started',
      'attempt.completed',
    ]);
    expect([...store.events(record?.runId ?? '')]).to.have.length(4);
    end();
    expect((await running).receipt).to.include({ commits: 3, events: 6 });
  });

  it('waits for the next commit where memory is durable enough', async () => {
    const w = workflow('beside');
    w.fn('quick', {}, async () => 1);
    w.fn(
      'slow',
      {},
      () =>
        new Promise<void>((resolve) => {
          setImmediate(() => setImmediate(resolve));
        }),
    );
    const runtime = new AsyncLocalRuntime({ plugins: [memoryEventStore()], durability: 'memory' });
    expect((await runtime.execute(w.build())).receipt).to.include({ commits: 1 });
  });

  it('ends the run where it cannot be committed', async () => {
    const store = new (class extends MemoryEventStore {
      override append(...args: Parameters<MemoryEventStore['append']>) {
        if (args[0].some(({ events }) => events.some(({ kind }) => kind === 'attempt.completed')))
          throw new Error('the disk is gone');
        return super.append(...args);
      }
    })();
    store.open();
    const w = workflow('beside');
    w.fn('quick', {}, async () => 1);
    w.fn('slow', {}, () => new Promise<void>(() => undefined));
    const thrown: unknown = await new AsyncLocalRuntime({ store }).execute(w.build()).catch((error: unknown) => error);
    expect(thrown).to.be.an('error').with.property('message', 'the disk is gone');
  });

  it('is committed and told in LocalRuntime while modules go on', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-beside-'));
    const told = join(folder, 'told');
    const source = `import { existsSync } from 'node:fs';
      export const quick = () => ({ done: true });
      export const slow = async ({ file }) => {
        for (let tries = 0; tries < 2_000 && !existsSync(file); tries++) await new Promise((next) => setTimeout(next, 5));
        return { done: existsSync(file) };
      };`;
    const module = `data:text/javascript,${encodeURIComponent(source)}`;
    const done = { done: type<boolean>() };
    const quick = moduleNode({ name: 'quick', module, outputs: done });
    const slow = moduleNode({ name: 'slow', module, inputs: { file: type<string>() }, outputs: done });
    const w = workflow('beside');
    w.add('quick', quick());
    const last = w.add('slow', slow({ file: told }));
    using runtime = new LocalRuntime({ plugins: [memoryEventStore()] });
    const run = runtime.execute(w.build({ outputs: { heard: last.out.done } }), undefined, {
      onEvent: ({ kind }) => {
        if (kind === 'attempt.completed' && !existsSync(told)) writeFileSync(told, '');
      },
    });
    rmSync(folder, { recursive: true });
    expect(run.output).to.deep.equal({ heard: true });
  });
});
