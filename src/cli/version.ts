import { readFileSync } from 'node:fs';

interface Manifest {
  readonly name?: string;
  readonly version?: string;
}

/** The version of the package that this file is part of, however deep it lies in it. */
export function packageVersion(): string {
  for (let folder = new URL('..', import.meta.url); ; folder = new URL('..', folder)) {
    const manifest = manifestIn(folder);
    if (manifest?.name === 'lockstep' && manifest.version !== undefined) return manifest.version;
    if (folder.pathname === '/') return 'unknown';
  }
}

function manifestIn(folder: URL): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}
