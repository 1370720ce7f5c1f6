import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CAP_SECONDS, type Cell, type Message, type Outcome, type Phase } from './cell.js';

const PROGRAM = fileURLToPath(new URL('cell-process.js', import.meta.url));

/** Node's warnings about many listeners on one signal, which LangGraph.js causes with a wide fan, would break up the output. */
const NODE_OPTIONS = ['--expose-gc', '--disable-warning=MaxListenersExceededWarning'];

/** A shell that limits its processor time and then becomes Node. Wall time would cut off whoever runs beside other work. */
const LIMITED = ['-c', `ulimit -S -t ${CAP_SECONDS} && exec "$0" "$@"`, process.execPath, ...NODE_OPTIONS, PROGRAM];

/** No engine sends traces of what it runs over a network. */
const ENVIRONMENT = { LANGSMITH_TRACING: 'false', LANGCHAIN_TRACING_V2: 'false' };

/** Milliseconds after which a process is ended that neither answers nor uses up its processor time. */
const HUNG_MS = 900_000;

/** Measures a cell in a process of its own, which is ended when it has answered; the system ends it at the cap. */
export function runCell({ peer, shape, size, form }: Cell, effort: 'full' | 'quick'): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', [...LIMITED, peer, shape, String(size), form, effort], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...ENVIRONMENT },
    });
    let during: Phase = 'importing';
    const end = (outcome: Outcome): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve(outcome);
    };
    const died = (how: string): void => end({ kind: 'failed', during, message: `its process ${how}` });
    const timer = setTimeout(() => died('hung'), HUNG_MS);
    child.on('message', (message: Message) => {
      if (message.kind === 'phase') during = message.phase;
      else end(message);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (signal === 'SIGXCPU') end({ kind: 'cut', during });
      else died(`ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}
