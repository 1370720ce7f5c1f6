/** What both threads of a SyncBridge start with: the one that watches, and the one that works. */
import { workerData } from 'node:worker_threads';
import { CallServer } from './call-server.js';
import type { Role } from './protocol.js';
import { Watcher } from './watcher.js';

const given = workerData as Role | null; // imported outside of a thread of ours, it does nothing
if (given?.role === 'thread') new CallServer(given.place).start();
else if (given?.role === 'watcher') new Watcher(given.lifeline, given.graceMs, new URL(import.meta.url)).start();
