import type { ExecutionState, RegionState } from './execution-state.js';
import type { OutputSource, PlanInput, PlanNode, PlanRegion, PlanSource } from './plan.js';
import type { NotRunCode, ReasonRoot } from './reason.js';
import { bitsOf, joined } from './source-evaluation.js';
import { sourceText } from './source-text.js';
import { BLOCKED, CANCELLED, FAILED, SKIPPED } from './status.js';
import type { NodeData } from './workflow-data.js';

/** Why a source is not live. */
export interface DeadEnd {
  readonly code: NotRunCode;
  /** The source, in words. */
  readonly source: string;
  readonly root: ReasonRoot;
}

/** Where the failure of a cycle began: at a member, or at the cycle itself. */
export function rootOfFailure(state: ExecutionState, region: number): ReasonRoot {
  const { root } = state.regions[region] as RegionState;
  const { id } = state.plan.regions[region] as PlanRegion;
  return { subject: root ?? id, port: null, code: 'upstream_failed' };
}

/** Why a port of a node that completed is dead. */
function deadPort({ kind, switch: choice }: NodeData): NotRunCode {
  if (kind === 'subworkflow') return 'not_delivered';
  return choice?.mode === 'partition' ? 'case_empty' : 'branch_not_taken';
}

function outputEnd(state: ExecutionState, source: OutputSource): DeadEnd {
  const { id, data } = state.plan.nodes[source.node] as PlanNode;
  const text = `${id}.${source.port}`;
  const own = (code: NotRunCode, port: string | null): DeadEnd => ({
    code,
    source: text,
    root: { subject: id, port, code },
  });
  const inherited = (code: NotRunCode): DeadEnd => {
    const reason = state.reasons.get(source.node);
    return reason === undefined ? own(code, null) : { code, source: text, root: reason.root };
  };
  if (source.leaves !== -1) {
    const region = state.regions[source.leaves] as RegionState;
    if (region.failed) return { code: 'upstream_blocked', source: text, root: rootOfFailure(state, source.leaves) };
  }
  switch (state.status[source.node]) {
    case SKIPPED:
      return inherited('upstream_skipped');
    case BLOCKED:
    case CANCELLED:
      return inherited('upstream_blocked');
    case FAILED:
      return data.allowFailure ? own('allowed_failure', null) : own('upstream_failed', null);
    default:
      if (source.error) return own('no_error', source.port);
      if (source.selective) return own(deadPort(data), source.port);
      return own('never_live', source.port);
  }
}

/** Why a source is not live: its own reason, and where it all began. `wanted` says which kind of end is looked for. */
export function deadEndOf(state: ExecutionState, source: PlanSource, wanted: number): DeadEnd {
  switch (source.kind) {
    case 'output':
      return outputEnd(state, source);
    case 'path':
    case 'required':
      return deadEndOf(state, source.of, wanted);
    case 'choice': {
      const inner = source.of.find((candidate) => bitsOf(state, candidate) & wanted) ?? (source.of[0] as PlanSource);
      return deadEndOf(state, inner, wanted);
    }
    case 'join': {
      const taken = joined(state, source);
      return typeof taken === 'number' ? outputEnd(state, source.owner) : deadEndOf(state, taken, wanted);
    }
    case 'cycle':
      return {
        code: 'upstream_blocked',
        source: sourceText(state.plan, source),
        root: rootOfFailure(state, source.leaves),
      };
    case 'parameter':
    case 'literal':
    case 'template':
      return {
        code: 'never_live',
        source: sourceText(state.plan, source),
        root: { subject: sourceText(state.plan, source), port: null, code: 'never_live' },
      };
  }
}

/** Why an input has no live source. */
export function inputEnd(state: ExecutionState, input: PlanInput, wanted: number): DeadEnd {
  for (const { slot, region } of input.feedback) {
    if ((state.regions[region] as RegionState).iteration === 0) continue;
    const root = state.feedbackRoots[slot] as ReasonRoot;
    const edge = state.plan.regions[region]?.feedback.find((candidate) => candidate.slot === slot);
    return { code: root.code, source: edge?.text.split(' → ')[0] ?? '?', root };
  }
  return deadEndOf(state, input.connection as PlanSource, wanted);
}
