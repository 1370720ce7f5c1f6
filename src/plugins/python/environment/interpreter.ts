import { createHash } from 'node:crypto';

/** A package that was asked for, in an interpreter. */
export interface PackageFinding {
  readonly requirement: string;
  readonly name: string;
  /** The version that is installed; `null` where none is. */
  readonly version: string | null;
  /** Whether it is what was asked for; `null` where the interpreter has nothing that could tell. */
  readonly fits: boolean | null;
}

/** What an interpreter says of itself. */
export interface ProbeAnswer {
  /** Its own path, `sys.executable`: what is to be started. A command such as a shim of pyenv would only find it again. */
  readonly path: string;
  readonly version: string;
  readonly prefix: string;
  /** For which compiled packages it is; `null` where it is too old to be asked. */
  readonly abi: string | null;
  readonly platform: string | null;
  /** Why grpc cannot be imported; `null` where it can, or where it is too old to be asked. */
  readonly grpc: string | null;
  readonly packages: readonly PackageFinding[];
}

/** An interpreter that can perform Python tools. */
export interface Interpreter {
  /** What is started. */
  readonly path: string;
  /** Such as `3.12.1`. */
  readonly version: string;
  /** SHA-256 over path, version, binary interface and the packages that were asked for: equal where Python is the same. */
  readonly hash: string;
  /** The versions of the packages that were asked for, grpcio among them. */
  readonly packages: Readonly<Record<string, string>>;
}

/**
 * What every interpreter must have to serve as a worker, as python/pyproject.toml says it too: servers of earlier versions answer no
 * HTTP/2 PING while a tool holds the interpreter, and would be taken for dead.
 */
export const GRPC_REQUIREMENT = 'grpcio>=1.80';

const OLDEST = [3, 10] as const;

/** What keeps an interpreter from being used at all, or from being what an environment is made from. */
export function tooOld({ version }: ProbeAnswer): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `it is Python ${version}, and at least ${OLDEST.join('.')} is needed`;
}

/**
 * Why an interpreter cannot perform Python tools; `undefined` where it can.
 *
 * @param madeToFit whether what was asked for is what was installed: then versions that cannot be compared fit
 */
export function unfit(answer: ProbeAnswer, { madeToFit }: { readonly madeToFit: boolean }): string | undefined {
  const old = tooOld(answer);
  if (old !== undefined) return old;
  const lacking = answer.packages.filter(({ fits }) => fits === false || (fits === null && !madeToFit)).map(lack);
  if (answer.grpc !== null && !answer.packages.some(({ name, version }) => name === 'grpcio' && version === null))
    lacking.unshift(`grpcio cannot be imported (${answer.grpc})`);
  return lacking.length === 0 ? undefined : lacking.join('; ');
}

function lack({ requirement, name, version, fits }: PackageFinding): string {
  if (version === null) return `${name} is not installed`;
  if (fits === null)
    return `whether ${name} ${version} is ${requirement} cannot be told: it has neither pip nor packaging`;
  return `${name} is ${version}, which is not ${requirement}`;
}

/** The interpreter that gave an answer. */
export function interpreterOf({ path, version, abi, packages }: ProbeAnswer): Interpreter {
  const versions = packages.flatMap(({ name, version: has }) => (has === null ? [] : [[name, has] as const]));
  return Object.freeze({
    path,
    version,
    hash: hashText(path, version, abi ?? '', ...versions.map((pair) => pair.join('==')).toSorted()),
    packages: Object.freeze(Object.fromEntries(versions)),
  });
}

/** SHA-256 of several texts, none of which may hold a line feed. */
export function hashText(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}
