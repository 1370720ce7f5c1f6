import { createHash, randomBytes } from 'node:crypto';
import { pino } from 'pino';
import type { ExportEnvironment } from '../base/history/exported-run.js';
import type { Hash, Ids, Log, LogLevel, Ports, Random } from '../base/ports.js';
import type { RuntimeOptions } from '../base/runtime-options.js';
import { nodeBytes } from './node-bytes.js';
import { nodeReadings } from './node-readings.js';
import { systemClock } from './system-clock.js';
import { LOCKSTEP_VERSION } from './version.js';

/** SHA-256 by node:crypto. */
export const nodeHash: Hash = {
  sha256: (text) => createHash('sha256').update(text, 'utf8').digest('hex'),
};

const processTail = randomBytes(7).toString('hex').slice(0, 13);
let lastTime = 0;
let lastCount = 0;

/**
 * Run ids of 26 characters: milliseconds since the epoch, a counter within them, and 52 random bits drawn once for each process.
 * They sort by creation.
 */
export const nodeIds: Ids = {
  runId() {
    const time = Math.max(Date.now(), lastTime);
    lastCount = time === lastTime ? lastCount + 1 : 0;
    lastTime = time;
    return time.toString(36).padStart(9, '0') + lastCount.toString(36).padStart(4, '0') + processTail;
  },
};

/** A number in [0, 1) that depends on a key and a seed only: 53 bits of their SHA-256. */
export function keyedRandom(seed: string): Random {
  return {
    keyed: (key) => Number.parseInt(nodeHash.sha256(`${seed}/${key}`).slice(0, 13), 16) / 2 ** 52,
  };
}

/** The part of a pino logger that the Log port uses. */
export type LevelLogger = Readonly<Record<LogLevel, (fields: object, message: string) => void>>;

/** Binds a pino logger to the Log port. */
export function pinoLog(logger: LevelLogger): Log {
  return {
    log: (level, message, fields) => logger[level](fields ?? {}, message),
  };
}

let defaultLog: Log | undefined;

/** Warnings and errors as JSON lines on stderr; nothing goes to stdout. */
function stderrLog(): Log {
  defaultLog ??= pinoLog(pino({ name: 'lockstep', level: 'warn' }, pino.destination({ dest: 2, sync: true })));
  return defaultLog;
}

const processRandom = keyedRandom(randomBytes(16).toString('hex'));

/** Where this process runs, as an exported run says it. */
export function environmentOf(now: number): ExportEnvironment {
  const { version, platform, arch } = process;
  return { lockstep: LOCKSTEP_VERSION, node: version, platform: `${platform}-${arch}`, exportedAt: now };
}

/** Binds every port that the options leave open to Node. */
export function nodePorts(options: RuntimeOptions): Ports {
  return {
    clock: options.clock ?? systemClock,
    ids: options.ids ?? nodeIds,
    random: options.random ?? processRandom,
    log: options.log ?? stderrLog(),
    hash: options.hash ?? nodeHash,
    secrets: options.secrets,
    access: options.access,
    readings: options.readings ?? nodeReadings,
    store: options.store,
    bytes: nodeBytes,
  };
}
