import type { BaseRuntime } from 'lockstep';

/** What a progress display writes to, such as `process.stdout`. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const CLEAR_LINE = '\r\x1b[2K';

/** Iterations that get a plain line of their own: 1, 2, 5, 10, 20, 50, … */
function isRound(iteration: number): boolean {
  return /^[125]0*$/.test(String(iteration));
}

/**
 * Shows how a runtime's runs proceed: one line that overwrites itself on a terminal, plain lines elsewhere.
 *
 * @returns a function that takes the line away and stops listening
 */
export function showProgress(runtime: BaseRuntime, label: string, screen: Screen): () => void {
  const live = screen.isTTY === true;
  const show = (text: string): void => {
    const line = `${label}: ${text}`;
    screen.write(live ? CLEAR_LINE + line.slice(0, (screen.columns || 80) - 1) : `${line}\n`);
  };
  const stops = [
    runtime.on('event', ({ kind, data }) => {
      if (kind === 'attempt.started' && data.visit === 1) show(`${data.node} started`);
      if (kind === 'cycle.stopped' && data.iterations > 0)
        show(`${data.cycle} stopped after ${data.iterations} iterations: ${data.reason}`);
    }),
    runtime.on('progress', ({ node, current, total, message }) => {
      if (live || isRound(current))
        show(`${node} ${current}${total === undefined ? '' : ` of at most ${total}`}, ${message}`);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    if (live) screen.write(CLEAR_LINE);
  };
}
