/**
 * A host of Python workers in a process of its own: `node worker-host-process.js COUNT DATA_FOLDER`. Starts as many, has each of them perform
 * calls, prints what they answered, and ends when its input does.
 */
import { TestWorker } from './python-worker.js';

const [count, dataFolder = ''] = process.argv.slice(2);
const hosts = await Promise.all(Array.from({ length: Number(count) }, () => TestWorker.start({ dataFolder })));
const answers = await Promise.all(
  hosts.map(async (host, at) => {
    const values = Array.from({ length: 20 }, (_, n) => [at, n]);
    const echoed = await Promise.all(values.map((value) => host.call('same', { value })));
    return { isSame: JSON.stringify(echoed) === JSON.stringify(values), pid: host.pid, id: host.worker.getSessionId() };
  }),
);
console.log(JSON.stringify(answers));
process.stdin.resume().on('end', () => void Promise.all(hosts.map((host) => host.remove())));
