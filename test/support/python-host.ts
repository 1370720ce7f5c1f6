/**
 * A host of workers in a process of its own, which can be killed: `node python-host.js DATA_FOLDER PYTHON DATABASE WORDS...`, where
 * DATABASE is that of their registry, empty: files, and WORDS are those of one worker each, as a JSON list. Prints what its workers say, and `{"host": …}` when they are ready. Ends when its
 * input does.
 */
import { checkProcessOptions } from '../../src/plugins/python/check-options.js';
import { ProcessManager } from '../../src/plugins/python/process/process-manager.js';
import { workerProgram } from './python-workers.js';
import { SqliteRegistry } from './registries.js';

const [dataFolder = '', python = '', database, ...workers] = process.argv.slice(2);
const manager = new ProcessManager(
  checkProcessOptions({ dataFolder, ...(database && { registry: new SqliteRegistry(database) }) }),
);
const report = await manager.open();
const started = await Promise.all(
  workers.map((words) =>
    manager.start(workerProgram(python, JSON.parse(words) as string[], ({ text }) => console.log(text))),
  ),
);
console.log(JSON.stringify({ host: process.pid, workers: started.map(({ pid }) => pid), report }));
process.stdin.resume().on('end', () => void manager.close().then(() => console.log('{"closed": true}')));
