import { fileURLToPath } from 'node:url';
import { findPython, grpcPython, type WorkerAdapter } from 'lockstep/python';

/** How long anything may take that says nothing else, in milliseconds. */
const MOST_MS = 60_000;

/** Starts the worker of Lockstep by way of a script of our own, which lowers its priority: an adapter names what is started, and with what. */
export async function politePython(): Promise<WorkerAdapter> {
  const { interpreter } = await findPython();
  return {
    executablePath: interpreter.path,
    scriptPath: fileURLToPath(new URL('./python/polite.py', import.meta.url)),
    // Behind these comes the path of the settings of the worker.
    scriptArgs: [grpcPython().scriptPath],
    commandTimeout: (command) => (command === 'ping' ? 1_000 : MOST_MS),
  };
}
