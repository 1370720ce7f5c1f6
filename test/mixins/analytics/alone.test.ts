import { expect } from 'chai';
import type { Attempt } from '../../../src/base/attempt.js';
import type { BaseRuntime } from '../../../src/base/base-runtime.js';
import type { RunEvent } from '../../../src/base/events.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AnalyticsMixin } from '../../../src/mixins/analytics/index.js';
import type { AbstractConstructor } from '../../../src/mixins/constructor.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { alone } from '../../support/alone.js';
import { Watched } from '../../support/watched.js';
import { line } from '../../support/watched-workflows.js';

describe('The analytics mixin alone', () => {
  it('counts, and has no sections where no other mixin adds one', () => {
    const runtime = new (alone(AnalyticsMixin))({ performanceMonitoring: true });
    const w = workflow('w');
    w.fn('a', {}, () => 1);
    expect(runtime.settle(w.build()).status).to.equal('completed');
    expect(runtime.getExecutionAnalytics().attempts.completed).to.equal(1);
    expect(runtime.getPerformanceReport().sections).to.deep.equal({});
    expect(runtime.getRuntimeMetrics().sections).to.deep.equal({});
  });

  it('counts what the cache answered, and leaves it out of all times', () => {
    const cached = <Base extends AbstractConstructor<BaseRuntime>>(Parent: Base) => {
      abstract class Cached extends Parent {
        protected override judge(_run: never, attempt: Attempt): Error | undefined {
          attempt.cached = attempt.node.id === 'b';
          return undefined;
        }
      }
      return Cached;
    };
    const clock = new VirtualClock();
    const runtime = new (alone((Base) => AnalyticsMixin(cached(Base))))({ performanceMonitoring: true }, { clock });
    const w = workflow('w');
    w.fn('a', {}, () => clock.advance(5));
    w.fn('b', {}, () => clock.advance(7));
    runtime.settle(w.build());
    const { attempts, work, attemptDurationMs, slowest, visits } = runtime.getExecutionAnalytics();
    expect(attempts).to.deep.include({ total: 2, completed: 2, cached: 1 });
    expect(visits).to.equal(2);
    expect(work.totalMs).to.equal(5);
    expect(attemptDurationMs.count).to.equal(1);
    expect(slowest.byTotal.map(({ node }) => node)).to.deep.equal(['a']);
    expect(runtime.getRuntimeMetrics().attempts).to.deep.include({ total: 2, cached: 1 });
  });

  it('counts attempts that were lost with their process, whose time is not known', () => {
    const events: RunEvent[] = [];
    const make = (watched: Watched) => line(watched).built;
    const first = new Watched('LocalRuntime');
    const history = (): readonly RunEvent[] =>
      events.slice(
        0,
        events.findIndex(({ kind }) => kind === 'attempt.completed'),
      );
    class Continued extends LocalRuntime {
      protected override loadHistory(): readonly RunEvent[] {
        return history();
      }
    }
    (first.runtime as LocalRuntime).settle(make(first), {}, { onEvent: (event) => events.push(event) });
    const second = new Watched('LocalRuntime');
    second.clock.advance(5_000);
    const runtime = new Continued({ clock: second.clock, performanceMonitoring: true });
    expect(runtime.settle(make(second)).status).to.equal('completed');
    const { attempts, visits, work, attemptDurationMs, nodes } = runtime.getExecutionAnalytics('line');
    expect(attempts).to.deep.include({ total: 3, completed: 2, lost: 1, retries: 1 });
    expect({ visits, work }).to.deep.equal({ visits: 2, work: { totalMs: 40, wastedMs: 0, wastedShare: 0 } });
    expect(attemptDurationMs.count).to.equal(2);
    expect(nodes[0]?.attempts).to.deep.include({ total: 2, lost: 1 });
  });
});
