import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Attempt } from '../../../src/base/attempt.js';
import { compile } from '../../../src/base/compile.js';
import { LockstepError } from '../../../src/base/errors.js';
import { ExecutionState } from '../../../src/base/execution-state.js';
import type { PlanNode } from '../../../src/base/plan.js';
import {
  ATTEMPT_TRANSITIONS,
  type AttemptStatus,
  NODE_STATUSES,
  NODE_TRANSITIONS,
  type NodeStatus,
  RUN_TRANSITIONS,
  type RunStatus,
} from '../../../src/base/status.js';
import { moveAttempt, moveNode, moveRun } from '../../../src/base/transitions.js';
import { workflow } from '../../../src/base/workflow-builder.js';

/** What is legal, written down once more: `from > to`. */
const RUN = [
  'pending > running',
  'running > waiting',
  'running > completed',
  'running > failed',
  'running > cancelled',
  'waiting > running',
];

const NODE = [
  'pending > running',
  'pending > skipped',
  'pending > blocked',
  'pending > cancelled',
  'running > completed',
  'running > failed',
  'running > pending',
  'running > cancelled',
  'running > waiting',
  'waiting > completed',
  'waiting > cancelled',
  'completed > pending',
  'failed > pending',
  'skipped > pending',
];

const ATTEMPT = [
  'running > waiting',
  'running > completed',
  'running > failed',
  'running > lost',
  'running > cancelled',
  'waiting > completed',
  'waiting > cancelled',
];

const w = workflow('machine');
w.fn('only', {}, () => 1);
const plan = compile(w.build());

function runFrom(from: RunStatus): ExecutionState {
  const state = new ExecutionState(plan);
  state.runStatus = from;
  return state;
}

function nodeFrom(from: NodeStatus): ExecutionState {
  const state = new ExecutionState(plan);
  state.status[0] = NODE_STATUSES.indexOf(from);
  return state;
}

function attemptFrom(from: AttemptStatus): Attempt {
  const attempt = new Attempt(undefined as never, plan.nodes[0] as PlanNode, 1, 1, 0);
  attempt.status = from;
  return attempt;
}

/** Makes a step and says where it led, or under which code it was refused. */
function outcome(step: () => string): string {
  try {
    return step();
  } catch (error) {
    return error instanceof LockstepError ? error.code : String(error);
  }
}

/** Tries every pair of states and returns those that lead where they should; the others must be refused and change nothing. */
function legalPairs<S extends string>(
  states: readonly S[],
  move: (from: S, to: S) => { step: () => void; now: () => string },
): string[] {
  const legal: string[] = [];
  for (const from of states) {
    for (const to of states) {
      const { step, now } = move(from, to);
      const answer = outcome(() => {
        step();
        return 'moved';
      });
      if (answer === 'moved') legal.push(`${from} > ${to}`);
      else expect(answer, `${from} > ${to}`).to.equal('ILLEGAL_TRANSITION');
      expect(now(), `the state after ${from} > ${to}`).to.equal(answer === 'moved' ? to : from);
    }
  }
  return legal;
}

function pairsOf(table: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(table).flatMap(([from, all]) => all.map((to) => `${from} > ${to}`));
}

const architecture = readFileSync(new URL('../../../../ARCHITECTURE.md', import.meta.url), 'utf8');

/** The rows `| from | to |` of the table under a heading. */
function documented(heading: string): string[] {
  const [, section = ''] = architecture.split(`\n### ${heading}\n`);
  const [own = ''] = section.split(/\n##/);
  const rows = [...own.matchAll(/^\|\s*`?([a-z]+)`?\s*\|\s*`?([a-z]+)`?\s*\|/gm)];
  return rows.map(([, from, to]) => `${from} > ${to}`).filter((pair) => pair !== 'from > to');
}

describe('the states of a run', () => {
  it('follow each other as written here, and in no other way', () => {
    const states = Object.keys(RUN_TRANSITIONS) as RunStatus[];
    const legal = legalPairs(states, (from, to) => {
      const state = runFrom(from);
      return { step: () => moveRun(state, to), now: () => state.runStatus };
    });
    expect(legal).to.have.members(RUN);
  });

  it('are those of ARCHITECTURE.md', () => {
    expect(documented('Run states')).to.have.members(RUN);
    expect(pairsOf(RUN_TRANSITIONS)).to.have.members(RUN);
  });
});

describe('the states of a node', () => {
  it('follow each other as written here, and in no other way', () => {
    const legal = legalPairs(NODE_STATUSES, (from, to) => {
      const state = nodeFrom(from);
      const step = (): void => moveNode(state, 0, NODE_STATUSES.indexOf(to));
      return { step, now: () => NODE_STATUSES[state.status[0] as number] as string };
    });
    expect(legal).to.have.members(NODE);
  });

  it('are those of ARCHITECTURE.md', () => {
    expect(documented('Node states')).to.have.members(NODE);
    expect(pairsOf(NODE_TRANSITIONS)).to.have.members(NODE);
  });

  it('do not include one that is not known', () => {
    expect(outcome(() => String(moveNode(nodeFrom('pending'), 0, NODE_STATUSES.length)))).to.equal(
      'ILLEGAL_TRANSITION',
    );
  });
});

describe('the states of an attempt', () => {
  it('follow each other as written here, and in no other way', () => {
    const states = Object.keys(ATTEMPT_TRANSITIONS) as AttemptStatus[];
    const legal = legalPairs(states, (from, to) => {
      const attempt = attemptFrom(from);
      return { step: () => moveAttempt(attempt, to), now: () => attempt.status };
    });
    expect(legal).to.have.members(ATTEMPT);
  });

  it('are those of ARCHITECTURE.md', () => {
    expect(documented('Attempt states')).to.have.members(ATTEMPT);
    expect(pairsOf(ATTEMPT_TRANSITIONS)).to.have.members(ATTEMPT);
  });
});
