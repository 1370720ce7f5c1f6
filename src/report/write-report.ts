import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigurationError } from '../base/errors.js';
import { type RunResult, requireRun } from '../base/run-result.js';
import { type ReportOptions, renderReport } from './render-report.js';

/** Where a report goes, and what it says. */
export interface WriteReportOptions extends ReportOptions {
  /** The file to write. Folders on the way are made; a file that is there is replaced. */
  readonly file: string;
}

/**
 * Writes the report of a run to a file: see `renderReport`.
 *
 * @returns the absolute path of the file
 * @throws ConfigurationError NOT_A_RUN, INVALID_OPTION, UNKNOWN_OPTION; the error of the file system where the file cannot be written
 */
export function writeReport(run: RunResult, options: WriteReportOptions): string {
  requireRun('writeReport', run);
  const { file, ...rest } = options ?? {};
  if (typeof file !== 'string' || file === '')
    throw new ConfigurationError('INVALID_OPTION', 'report.file must be the path of a file.', {
      at: 'report.file',
      value: file,
    });
  const page = renderReport(run, rest);
  const path = resolve(file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, page);
  return path;
}
