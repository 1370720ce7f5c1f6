import { workflow } from '../../src/base/workflow-builder.js';
import type { PythonWorkersOptions } from '../../src/plugins/python/configuration.js';
import { pyTool } from './python-nodes.js';

/** What python-crash-process.ts is told. */
export interface PythonCrashOrder {
  readonly kind: 'sync' | 'async';
  readonly workers: PythonWorkersOptions;
  /** Path of the store. */
  readonly file: string;
  /** Path of the file to which Python nodes add a line for each attempt. */
  readonly notes: string;
}

/** Python nodes one after the other, of which the second does not end in its first attempt. */
export function pythonCrashFlow(notes: string) {
  const note = pyTool('note', ['path', 'value']);
  const w = workflow('crashed');
  const a = w.add('a', note({ path: notes, value: 7 }));
  const b = w.add('b', pyTool('note_and_hold', ['path'])({ path: notes }), { after: a });
  const c = w.add('c', note({ path: notes, value: b.out.value }));
  return w.build({ outputs: { a: a.out.value, b: b.out.value, c: c.out.value } });
}
