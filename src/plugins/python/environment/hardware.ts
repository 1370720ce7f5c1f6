import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { runGuarded } from '../process/guarded-command.js';

/** Something that computes beside the processor. */
export interface Accelerator {
  /** By which its programs reach it: NVIDIA's cuda, AMD's rocm, or mps, Apple's. */
  readonly kind: 'cuda' | 'rocm' | 'mps';
  readonly name: string;
}

/** What a Python on this machine has to compute with. */
export interface Hardware {
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly processors: number;
  readonly memoryBytes: number;
  /** None: nothing was found. Whether a library of Python can use one is for that library to say. */
  readonly accelerators: readonly Accelerator[];
}

/** Where the system tells of its devices. */
export interface DeviceFolders {
  /** Of the driver of NVIDIA: a folder for each device, each with a file `information`. */
  readonly nvidia: string;
  /** Of the driver of AMD: a folder for each processor and device, each with files `name` and `properties`. */
  readonly amd: string;
}

const FOLDERS: DeviceFolders = {
  nvidia: '/proc/driver/nvidia/gpus',
  amd: '/sys/class/kfd/kfd/topology/nodes',
};

/** How long the driver of a device may take to name it. */
const ANSWER_MS = 5_000;

/**
 * Looks what there is to compute with, without loading any library that uses it: the drivers are asked.
 *
 * @throws the reason of the signal
 */
export async function detectHardware(
  env: Readonly<NodeJS.ProcessEnv> = process.env,
  signal?: AbortSignal,
  folders: DeviceFolders = FOLDERS,
): Promise<Hardware> {
  const cpu = cpus()[0]?.model.trim() || process.arch;
  const cuda = (await listedByDriver(env, signal)) ?? filesIn(folders.nvidia, 'information', /^Model:\s*(.+)$/m);
  // Processors are listed there as well; only devices have vector units.
  const rocm = filesIn(folders.amd, 'properties', /^simd_count [1-9]\d*$/m, 'name');
  const isApple = process.platform === 'darwin' && process.arch === 'arm64';
  return {
    cpu,
    processors: availableParallelism(),
    memoryBytes: totalmem(),
    accelerators: [
      ...cuda.map((name) => ({ kind: 'cuda', name }) as const),
      ...rocm.map((name) => ({ kind: 'rocm', name }) as const),
      ...(isApple ? [{ kind: 'mps', name: cpu } as const] : []),
    ],
  };
}

/** The devices that NVIDIA's program names; `undefined` where it is not installed, or says nothing. */
async function listedByDriver(
  env: Readonly<NodeJS.ProcessEnv>,
  signal: AbortSignal | undefined,
): Promise<readonly string[] | undefined> {
  const end = await runGuarded('nvidia-smi', ['-L'], { env, cwd: '/', timeoutMs: ANSWER_MS, signal });
  const names = [...end.output.matchAll(/^GPU \d+: (.+?)(?: \(UUID: .*)?$/gm)].map(([, name = '']) => name);
  return end.code === 0 && names.length > 0 ? names : undefined;
}

/** Of each folder in a folder whose file says what is looked for: what it says, or what another file there names. */
function filesIn(folder: string, file: string, said: RegExp, names?: string): readonly string[] {
  const found: string[] = [];
  for (const each of contents(folder)) {
    const match = said.exec(textOf(join(folder, each, file)));
    if (match === null) continue;
    const name = names === undefined ? match[1] : textOf(join(folder, each, names));
    found.push(name?.trim() || each);
  }
  return found;
}

function contents(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
