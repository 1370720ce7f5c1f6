import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The path of a file in a folder of its own, which is removed when the process ends. */
export function storeFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-peers-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'runs.db');
}
