/**
 * A process that has a Python worker, waits for nothing but a call, and forgets to stop it: prints the answer, the pid of the worker
 * and its data folder, and ends.
 */
import { TestWorker } from './python-worker.js';

const host = await TestWorker.start();
const answer = host.call('await_then', { path: host.path('go'), value: 'late' });
// Nothing but the call keeps this process alive until the worker has answered it.
void host.untilBegun(1).then(() => host.open('go'));
console.log(JSON.stringify({ pid: host.pid, answer: await answer, folder: host.folder }));
