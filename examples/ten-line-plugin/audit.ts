import { definePlugin, token } from 'lockstep';

/** What the nodes of a runtime did, one line for each settled attempt. */
export const AUDIT = token<readonly string[]>('AUDIT');

export const audit = definePlugin({
  name: 'audit',
  provides: [AUDIT],
  setup: ({ provide, on }) => {
    const lines: string[] = [];
    provide(AUDIT, lines);
    on('event', ({ kind, data }) => {
      if (kind === 'attempt.completed') lines.push(`${data.node} completed`);
      if (kind === 'attempt.failed') lines.push(`${data.node} failed: ${data.error.message}`);
    });
  },
});
