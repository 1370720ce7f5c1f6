import type { Command } from 'commander';
import { commonOptions, FILE, type Finished, findsWorkflow, screenOf, takesRun } from './parts.js';

/** `gates RUN`. */
export function addGates(program: Command, finished: Finished): void {
  const verb = takesRun(program.command('gates').description('show the gates of a run that wait for an answer'));
  commonOptions(verb).action(async (run: string, options) => {
    const { gatesVerb } = await import('../verbs/gates.js');
    finished(gatesVerb(run, options, screenOf(options)));
  });
}

function answers(verb: Command): Command {
  const file = `${FILE}; needed where the gate checks its answers`;
  return findsWorkflow(
    takesRun(verb).argument('<GATE>', 'its id, as "lockstep gates" shows it').argument('[FILE]', file),
  ).option('--by <NAME>', 'who answers, for the record');
}

/** `approve RUN GATE [FILE]`. */
export function addApprove(program: Command, finished: Finished): void {
  const verb = answers(program.command('approve').description('approve a gate of a run'));
  verb.option('--answer <JSON>', 'what is answered: JSON, or else a text; @FILE for what a file holds');
  commonOptions(verb).action(async (run: string, gate: string, file: string | undefined, options) => {
    const { approveVerb } = await import('../verbs/gates.js');
    finished(await approveVerb({ run, gate, file }, options, screenOf(options)));
  });
}

/** `reject RUN GATE [FILE]`. */
export function addReject(program: Command, finished: Finished): void {
  const verb = answers(program.command('reject').description('reject a gate of a run'));
  verb.option('--reason <TEXT>', 'why');
  commonOptions(verb).action(async (run: string, gate: string, file: string | undefined, options) => {
    const { rejectVerb } = await import('../verbs/gates.js');
    finished(await rejectVerb({ run, gate, file }, options, screenOf(options)));
  });
}
