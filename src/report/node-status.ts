import type { RunResult } from '../base/run-result.js';
import type { NodeStatus } from '../base/status.js';

/** How a status looks in a picture: not by colour alone. */
export interface StatusLook {
  readonly icon: string;
  readonly fill: string;
  readonly stroke: string;
  readonly text: string;
}

/** The looks of all statuses, on a light ground. */
export const STATUS_LOOKS: Readonly<Record<NodeStatus, StatusLook>> = {
  pending: { icon: '○', fill: '#f6f8fa', stroke: '#8b949e', text: '#424a53' },
  running: { icon: '▶', fill: '#ddf4ff', stroke: '#0969da', text: '#0a3069' },
  waiting: { icon: '‖', fill: '#fff8c5', stroke: '#9a6700', text: '#3b2300' },
  completed: { icon: '✓', fill: '#dafbe1', stroke: '#1a7f37', text: '#04260f' },
  failed: { icon: '✗', fill: '#ffebe9', stroke: '#cf222e', text: '#4c0d14' },
  skipped: { icon: '»', fill: '#f6f8fa', stroke: '#8b949e', text: '#57606a' },
  blocked: { icon: '⊘', fill: '#fff1e5', stroke: '#bc4c00', text: '#471700' },
  cancelled: { icon: '■', fill: '#fbefff', stroke: '#8250df', text: '#2e1461' },
};

/** What the pictures of a workflow can be told. */
export interface PictureOptions {
  /** A run of the workflow: nodes are coloured and marked by what became of them. */
  readonly run?: RunResult;
  /** Draws the graphs of subworkflows in their place, and those of maps once for all items. Default `false`. */
  readonly children?: boolean;
}
