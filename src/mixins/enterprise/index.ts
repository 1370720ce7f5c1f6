import type { Attempt } from '../../base/attempt.js';
import type { BaseRuntime } from '../../base/base-runtime.js';
import { AttemptError } from '../../base/errors.js';
import type { FailureDecision, RunView } from '../../base/run-view.js';
import type { AbstractConstructor } from '../constructor.js';
import { decideAfterFailure } from './failure.js';

/** What the enterprise mixin adds to a runtime. Its decisions are hooks; methods that users call come with its later parts. */
// biome-ignore lint/suspicious/noEmptyInterface: the hooks are protected members of BaseRuntime
export interface EnterpriseFeatures {}

/** Adds retries and the judgement of outputs. Owns `decideFailure` and `judge`. */
export function EnterpriseMixin<Base extends AbstractConstructor<BaseRuntime>>(
  Parent: Base,
): AbstractConstructor<EnterpriseFeatures> & Base {
  abstract class Enterprise extends Parent implements EnterpriseFeatures {
    protected override decideFailure(run: RunView, attempt: Attempt, error: unknown, now: number): FailureDecision {
      return decideAfterFailure(run, attempt, error, now);
    }

    protected override judge(
      run: RunView,
      attempt: Attempt,
      output: Readonly<Record<string, unknown>>,
    ): Error | undefined {
      if (!this.options.contentAwareSuccess) return super.judge(run, attempt, output);
      const { id } = attempt.node;
      try {
        if (output.success !== false) return super.judge(run, attempt, output);
      } catch (cause) {
        return new AttemptError('NODE_THREW', `The output of node "${id}" threw when it was read.`, { at: id, cause });
      }
      return new AttemptError('NOT_SUCCESSFUL', `Node "${id}" reported success: false.`, { at: id, value: output });
    }
  }
  return Enterprise;
}
