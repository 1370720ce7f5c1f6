/**
 * Measures how other packages call a Python function that returns its argument, beside ours: one call at a time, and 64 in flight. Prints a
 * table of the medians of the rounds, in which all take turns. An answer that is not the argument ends the program with exit code 1.
 *
 * Usage: node python.js
 */
import { fileURLToPath } from 'node:url';
import { PythonWorker, setUp } from 'lockstep/python';
import { PythonShell } from 'python-shell';

const SCRIPT = fileURLToPath(new URL('../../python_echo.py', import.meta.url));
const ROUNDS = 7;
const CALLS = 640;
const IN_FLIGHT = 64;
const VALUE = 'x'.repeat(100);

interface Peer {
  readonly title: string;
  echo(value: string): Promise<unknown>;
  stop(): unknown;
}

async function ours(interpreter: string): Promise<Peer> {
  const worker = await PythonWorker.start({ environment: { interpreter } });
  return {
    title: 'lockstep',
    echo: (value) => worker.execute('echo', { value }),
    stop: () => worker.stop(),
  };
}

/** One line of JSON a call, on stdin and stdout; answers come in the order of the calls. */
function pythonShell(pythonPath: string): Peer {
  const shell = new PythonShell(SCRIPT, { mode: 'json', pythonPath });
  const waiting: ((value: unknown) => void)[] = [];
  shell.on('message', (value: unknown) => waiting.shift()?.(value));
  return {
    title: 'python-shell',
    echo: (value) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        shell.send(value);
      }),
    stop: () => new Promise<void>((resolve) => shell.end(() => resolve())),
  };
}

/** A proxy for each Python object, whose calls it sends as JSON. */
async function pythonia(interpreter: string): Promise<Peer> {
  process.env.PYTHON_BIN = interpreter;
  const { python } = await import('pythonia');
  const module = await python(SCRIPT);
  return { title: 'pythonia', echo: (value) => module.echo(value), stop: () => python.exit() };
}

async function microseconds(peer: Peer, inFlight: number): Promise<number> {
  const start = performance.now();
  for (let done = 0; done < CALLS; done += inFlight) {
    const answers = await Promise.all(Array.from({ length: inFlight }, () => peer.echo(VALUE)));
    if (answers.some((answer) => answer !== VALUE)) throw new Error(`${peer.title} answered something else.`);
  }
  return ((performance.now() - start) * 1_000) / CALLS;
}

const middle = (times: number[]): string => (times.sort((a, b) => a - b)[times.length >> 1] as number).toFixed(1);

const { interpreter } = await setUp({}, (line) => process.stderr.write(`${line}\n`));
const peers = [await ours(interpreter.path), pythonShell(interpreter.path), await pythonia(interpreter.path)];
const times = peers.map(() => ({ one: [] as number[], many: [] as number[] }));
for (let round = 0; round < ROUNDS; round++)
  for (const [index, peer] of peers.entries()) {
    times[index]?.one.push(await microseconds(peer, 1));
    times[index]?.many.push(await microseconds(peer, IN_FLIGHT));
  }
console.log('\nA call of Python, in microseconds: medians of the rounds');
console.log(`${'peer'.padEnd(14)}${'one at a time'.padStart(15)}${`${IN_FLIGHT} in flight`.padStart(15)}`);
for (const [index, { title }] of peers.entries()) {
  const { one, many } = times[index] as (typeof times)[number];
  console.log(`${title.padEnd(14)}${middle(one).padStart(15)}${middle(many).padStart(15)}`);
}
for (const peer of peers) await peer.stop();
