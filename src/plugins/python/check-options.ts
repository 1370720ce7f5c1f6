import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../../base/errors.js';
import { checkCount, checkDuration, checkFlag, checkWord, knownFields, refuse } from '../../base/option-checks.js';
import {
  type HeartbeatOptions,
  type ListenerOptions,
  type PoolSettings,
  PYTHON_DEFAULTS,
  type PythonEnvironmentOptions,
  type PythonEnvironmentSettings,
  type PythonWorkersOptions,
  type RecycleOptions,
  type RestartOptions,
  type TlsOptions,
  type WorkerOptions,
  type WorkerProcessOptions,
  type WorkerProcessSettings,
  type WorkerSettings,
} from './configuration.js';
import { REGISTRY_FUNCTIONS, type WorkerRegistry } from './registry/worker-registry.js';

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkEnvironmentOptions(options: PythonEnvironmentOptions = {}): PythonEnvironmentSettings {
  const at = 'environment';
  knownFields(options, ['dataFolder', 'interpreter', 'command', 'requirements', 'probeTimeoutMs'], at);
  const { dataFolder, interpreter, command, requirements, probeTimeoutMs } = options;
  checkText(dataFolder, `${at}.dataFolder`);
  checkText(interpreter, `${at}.interpreter`);
  checkText(command, `${at}.command`);
  checkDuration(probeTimeoutMs, `${at}.probeTimeoutMs`);
  checkRequirements(requirements, `${at}.requirements`);
  return Object.freeze({
    dataFolder: dataFolder ?? PYTHON_DEFAULTS.dataFolder,
    interpreter: interpreter ?? PYTHON_DEFAULTS.interpreter,
    command: command ?? PYTHON_DEFAULTS.command,
    requirements: Object.freeze([...(requirements ?? PYTHON_DEFAULTS.requirements)]),
    probeTimeoutMs: probeTimeoutMs ?? PYTHON_DEFAULTS.probeTimeoutMs,
  });
}

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkProcessOptions(options: WorkerProcessOptions = {}): WorkerProcessSettings {
  const at = 'workers';
  knownFields(options, PROCESS_FIELDS, at);
  const { dataFolder, env, registry, startTimeoutMs, gracefulShutdownTimeoutMs } = options;
  checkText(dataFolder, `${at}.dataFolder`);
  checkVariables(env, `${at}.env`);
  checkRegistry(registry, `${at}.registry`);
  checkDuration(startTimeoutMs, `${at}.startTimeoutMs`);
  checkDuration(gracefulShutdownTimeoutMs, `${at}.gracefulShutdownTimeoutMs`);
  return Object.freeze({
    dataFolder: dataFolder ?? PYTHON_DEFAULTS.dataFolder,
    env: Object.freeze({ ...(env ?? PYTHON_DEFAULTS.env) }),
    registry: registry ?? PYTHON_DEFAULTS.registry,
    startTimeoutMs: startTimeoutMs ?? PYTHON_DEFAULTS.startTimeoutMs,
    gracefulShutdownTimeoutMs: gracefulShutdownTimeoutMs ?? PYTHON_DEFAULTS.gracefulShutdownTimeoutMs,
  });
}

function checkText(value: string | undefined, at: string): void {
  if (value === undefined || (typeof value === 'string' && value.trim() !== '' && !value.includes('\0'))) return;
  refuse(at, 'must be a text that is not empty', value);
}

/** A requirement as pip takes it, with a name: what begins otherwise would be an option of pip, or a path. */
const REQUIREMENT = /^[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?\s*(?:$|[[(<>=!~;@])[^\r\n]*$/;

function checkRequirements(requirements: readonly string[] | undefined, at: string): void {
  if (requirements === undefined) return;
  if (!Array.isArray(requirements)) refuse(at, 'must be a list', requirements);
  for (const each of requirements)
    if (typeof each !== 'string' || !REQUIREMENT.test(each))
      refuse(at, 'must name packages as pip does, such as "numpy>=2"', each);
}

function checkVariables(env: Readonly<Record<string, string>> | undefined, at: string): void {
  if (env === undefined) return;
  if (typeof env !== 'object' || env === null) refuse(at, 'must be an object', env);
  for (const [name, value] of Object.entries(env))
    if (!/^[^=\0]+$/.test(name) || typeof value !== 'string' || value.includes('\0'))
      refuse(`${at}.${name}`, 'must be a text', value);
}

function checkRegistry(registry: WorkerRegistry | undefined, at: string): void {
  if (registry === undefined) return;
  if (typeof registry !== 'object' || registry === null) refuse(at, 'must be a registry of workers', registry);
  for (const name of REGISTRY_FUNCTIONS)
    if (typeof registry[name] !== 'function') refuse(`${at}.${name}`, 'must be a function', registry[name]);
}

const PROCESS_FIELDS = ['dataFolder', 'env', 'registry', 'startTimeoutMs', 'gracefulShutdownTimeoutMs'] as const;
const WORKER_FIELDS = [
  'adapter',
  'environment',
  'paths',
  'preload',
  'hostTools',
  'maxConcurrentCalls',
  'maxValueBytes',
  'sharedMemoryFromBytes',
  'stopGraceMs',
  'healthTimeoutMs',
  'transport',
  'listener',
  'tls',
  'heartbeat',
  'restart',
  'recycle',
] as const;

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION, TLS_REQUIRED */
export function checkWorkerOptions(options: WorkerOptions = {}): WorkerSettings {
  const at = 'workers';
  knownFields(options, [...PROCESS_FIELDS, ...WORKER_FIELDS], at);
  const { dataFolder, env, registry, startTimeoutMs, gracefulShutdownTimeoutMs, ...own } = options;
  const given = { dataFolder, env, registry, startTimeoutMs, gracefulShutdownTimeoutMs };
  const processes = checkProcessOptions(
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  );
  checkEnvironmentOptions(own.environment);
  checkAdapter(own.adapter, `${at}.adapter`);
  for (const name of ['maxConcurrentCalls', 'maxValueBytes', 'sharedMemoryFromBytes'] as const)
    checkCount(own[name], 1, `${at}.${name}`);
  for (const name of ['stopGraceMs', 'healthTimeoutMs'] as const) checkDuration(own[name], `${at}.${name}`);
  checkWord(own.transport, ['unix', 'tcp'], `${at}.transport`);
  const transport = own.transport ?? PYTHON_DEFAULTS.transport;
  const tls = checkTls(own.tls, `${at}.tls`);
  if (transport === 'tcp' && tls === null)
    throw new ConfigurationError('TLS_REQUIRED', `${at}.transport is "tcp", and there is no ${at}.tls.`, { at });
  return Object.freeze({
    processes,
    adapter: own.adapter ?? PYTHON_DEFAULTS.adapter,
    environment: Object.freeze({ ...(own.environment ?? PYTHON_DEFAULTS.environment) }),
    paths: checkPaths(own.paths, `${at}.paths`),
    preload: checkTexts(own.preload ?? PYTHON_DEFAULTS.preload, `${at}.preload`),
    maxConcurrentCalls: own.maxConcurrentCalls ?? PYTHON_DEFAULTS.maxConcurrentCalls,
    maxValueBytes: own.maxValueBytes ?? PYTHON_DEFAULTS.maxValueBytes,
    sharedMemoryFromBytes: own.sharedMemoryFromBytes ?? PYTHON_DEFAULTS.sharedMemoryFromBytes,
    stopGraceMs: own.stopGraceMs ?? PYTHON_DEFAULTS.stopGraceMs,
    healthTimeoutMs: own.healthTimeoutMs ?? PYTHON_DEFAULTS.healthTimeoutMs,
    transport,
    listener: checkListener(own.listener, `${at}.listener`),
    tls,
    heartbeat: checkHeartbeat(own.heartbeat, `${at}.heartbeat`),
    restart: checkRestart(own.restart, `${at}.restart`),
    recycle: checkRecycle(own.recycle, `${at}.recycle`),
  });
}

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION, TLS_REQUIRED */
export function checkPoolOptions(options: PythonWorkersOptions = {}): PoolSettings {
  const { name, workers, start, ...own } = options;
  checkText(name, 'workers.name');
  checkCount(workers, 1, 'workers.workers');
  checkWord(start, ['with the runtime', 'when needed'], 'workers.start');
  return Object.freeze({
    name: name ?? PYTHON_DEFAULTS.name,
    workers: workers ?? PYTHON_DEFAULTS.workers,
    start: start ?? PYTHON_DEFAULTS.start,
    worker: checkWorkerOptions(own),
  });
}

function checkAdapter(adapter: WorkerOptions['adapter'], at: string): void {
  if (adapter === undefined) return;
  if (typeof adapter !== 'object' || adapter === null) refuse(at, 'must be an adapter', adapter);
  const { executablePath, scriptPath, scriptArgs, commandTimeout } = adapter;
  if (typeof executablePath !== 'function') checkText(executablePath ?? '', `${at}.executablePath`);
  checkText(scriptPath ?? '', `${at}.scriptPath`);
  checkTexts(scriptArgs, `${at}.scriptArgs`);
  if (commandTimeout !== undefined && typeof commandTimeout !== 'function')
    refuse(`${at}.commandTimeout`, 'must be a function', commandTimeout);
}

function checkTexts(texts: readonly string[], at: string): readonly string[] {
  if (!Array.isArray(texts)) refuse(at, 'must be a list', texts);
  for (const each of texts) checkText(each ?? '', at);
  return Object.freeze([...texts]);
}

function checkPaths(paths: WorkerOptions['paths'], at: string): readonly string[] {
  if (paths === undefined) return Object.freeze([process.cwd()]);
  if (!Array.isArray(paths)) refuse(at, 'must be a list', paths);
  const texts = paths.map((path: string | URL) => {
    if (!(path instanceof URL)) return path;
    return path.protocol === 'file:'
      ? fileURLToPath(path)
      : refuse(at, 'must name folders: paths, or URLs of files', path.href);
  });
  return Object.freeze(checkTexts(texts, at).map((path) => resolve(path)));
}

function checkTls(tls: TlsOptions | undefined, at: string): Readonly<TlsOptions> | null {
  if (tls === undefined) return PYTHON_DEFAULTS.tls;
  knownFields(tls, ['certificate', 'key', 'authority'], at);
  for (const name of ['certificate', 'key', 'authority'] as const) checkText(tls[name] ?? '', `${at}.${name}`);
  const { certificate, key, authority } = tls;
  return Object.freeze({ certificate: resolve(certificate), key: resolve(key), authority: resolve(authority) });
}

function checkListener(listener: ListenerOptions = {}, at: string): WorkerSettings['listener'] {
  knownFields(listener, ['mode', 'host', 'port'], at);
  const { mode, host, port } = listener;
  checkWord(mode, ['internal'], `${at}.mode`);
  checkText(host, `${at}.host`);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535))
    refuse(`${at}.port`, 'must be a port from 0 to 65535', port);
  const defaults = PYTHON_DEFAULTS.listener;
  return Object.freeze({ mode: mode ?? defaults.mode, host: host ?? defaults.host, port: port ?? defaults.port });
}

function checkHeartbeat(heartbeat: HeartbeatOptions = {}, at: string): WorkerSettings['heartbeat'] {
  knownFields(heartbeat, Object.keys(PYTHON_DEFAULTS.heartbeat), at);
  const { enabled, pingIntervalMs, timeoutMs, maxMissedHeartbeats, mode } = heartbeat;
  checkFlag(enabled, `${at}.enabled`);
  checkDuration(pingIntervalMs, `${at}.pingIntervalMs`);
  checkDuration(timeoutMs, `${at}.timeoutMs`);
  checkCount(maxMissedHeartbeats, 1, `${at}.maxMissedHeartbeats`);
  checkWord(mode, ['dependent', 'independent'], `${at}.mode`);
  const defaults = PYTHON_DEFAULTS.heartbeat;
  return Object.freeze({
    enabled: enabled ?? defaults.enabled,
    pingIntervalMs: pingIntervalMs ?? defaults.pingIntervalMs,
    timeoutMs: timeoutMs ?? defaults.timeoutMs,
    maxMissedHeartbeats: maxMissedHeartbeats ?? defaults.maxMissedHeartbeats,
    mode: mode ?? defaults.mode,
  });
}

function checkRestart(restart: RestartOptions = {}, at: string): WorkerSettings['restart'] {
  knownFields(restart, Object.keys(PYTHON_DEFAULTS.restart), at);
  const { firstMs, maxMs, resetAfterMs } = restart;
  checkDuration(firstMs, `${at}.firstMs`);
  checkDuration(maxMs, `${at}.maxMs`);
  checkDuration(resetAfterMs, `${at}.resetAfterMs`);
  const defaults = PYTHON_DEFAULTS.restart;
  return Object.freeze({
    firstMs: firstMs ?? defaults.firstMs,
    maxMs: maxMs ?? defaults.maxMs,
    resetAfterMs: resetAfterMs ?? defaults.resetAfterMs,
  });
}

function checkRecycle(recycle: RecycleOptions = {}, at: string): WorkerSettings['recycle'] {
  knownFields(recycle, Object.keys(PYTHON_DEFAULTS.recycle), at);
  const { afterCalls, afterMs, rssBytes } = recycle;
  checkCount(afterCalls, 1, `${at}.afterCalls`);
  checkDuration(afterMs, `${at}.afterMs`);
  checkCount(rssBytes, 1, `${at}.rssBytes`);
  const defaults = PYTHON_DEFAULTS.recycle;
  return Object.freeze({
    afterCalls: afterCalls ?? defaults.afterCalls,
    afterMs: afterMs ?? defaults.afterMs,
    rssBytes: rssBytes ?? defaults.rssBytes,
  });
}
