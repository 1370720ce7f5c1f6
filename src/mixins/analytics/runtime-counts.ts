import type { RunView } from '../../base/run-view.js';
import type { RuntimeRunCounts } from './analytics-types.js';
import { AttemptEnds } from './tallies.js';

/** What is counted over the life of a runtime. A few numbers a run, monitored or not. */
export class LifeCounts {
  started = 0;
  resumed = 0;
  waited = 0;
  rejected = 0;
  warnings = 0;
  /** Of monitored runs. */
  readonly attempts = new AttemptEnds();
  #completed = 0;
  #failed = 0;
  #cancelled = 0;

  /** A run ended. */
  end({ state }: RunView): void {
    this.warnings += state.warnings.length;
    if (state.runStatus === 'completed') this.#completed++;
    else if (state.runStatus === 'failed') this.#failed++;
    else this.#cancelled++;
  }

  runs(): RuntimeRunCounts {
    const { started, resumed, waited, rejected } = this;
    const [completed, failed, cancelled] = [this.#completed, this.#failed, this.#cancelled];
    const inFlight = started + resumed - waited - completed - failed - cancelled;
    return { started, resumed, waited, completed, failed, cancelled, rejected, inFlight };
  }
}
