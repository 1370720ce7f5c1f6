import { LockstepError } from '../../base/errors.js';
import { checkDuration, knownFields } from '../../base/option-checks.js';
import type {
  BridgeCall,
  BridgeReport,
  BridgeTicket,
  ServiceReference,
  ServiceStart,
  SyncBridge,
} from '../../base/ports.js';
import { BELL, sharedCells } from './protocol.js';
import { type ThreadBridgeOptions, ThreadLane } from './thread-lane.js';

/**
 * Performs calls in threads of this process: those of modules in one, those of each service in one of its own, so that a function
 * that holds its thread keeps no other from answering. Each is started with its first call and parked between calls. They keep no process
 * alive. A thread that ends is replaced; calls that it had begun fail with BRIDGE_LOST, those that it had not go to its successor.
 */
export class ThreadBridge implements SyncBridge, Disposable {
  readonly #options: ThreadBridgeOptions;
  /** Where the caller sleeps: whatever thread has something to say rings. */
  readonly #bell = sharedCells(BELL);
  readonly #modules: ThreadLane;
  readonly #services = new Map<ServiceReference, ThreadLane>();
  /** All of them. */
  readonly #lanes: ThreadLane[];
  /** Rings that have been looked into. */
  #seen = 0;
  #closed = false;

  /** Starts nothing yet. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
  constructor(options: ThreadBridgeOptions = {}) {
    knownFields(options, ['graceMs', 'resourceLimits', 'worker'], 'bridge');
    checkDuration(options.graceMs, 'bridge.graceMs');
    this.#options = { ...options };
    this.#modules = new ThreadLane(this.#options, this.#bell, undefined);
    this.#lanes = [this.#modules];
  }

  serve(service: ServiceReference): ServiceStart {
    this.#assertOpen(service.export);
    const lane = this.#laneOf(service);
    lane.begin();
    return { wait: (ms) => this.#waitForStart(lane, ms) };
  }

  submit(call: BridgeCall, receive: (report: BridgeReport) => void): BridgeTicket {
    this.#assertOpen(call.nodeId);
    const lane = call.service === undefined ? this.#modules : this.#laneOf(call.service);
    return lane.submit(call, receive);
  }

  wait(ms: number | undefined): 'reported' | 'stalled' | 'elapsed' {
    let until = Number.NaN;
    for (;;) {
      const seen = Atomics.load(this.#bell, BELL.wakes);
      if (seen !== this.#seen) {
        this.#seen = seen;
        if (this.#take()) return 'reported';
        continue; // a thread may have been replaced
      }
      if (this.#isStalled() && Atomics.load(this.#bell, BELL.wakes) === seen) return 'stalled'; // after all it said was heard
      if (ms === 0) return 'elapsed';
      if (Number.isNaN(until)) until = ms === undefined ? Number.POSITIVE_INFINITY : performance.now() + ms;
      const left = until === Number.POSITIVE_INFINITY ? until : until - performance.now();
      if (left <= 0) return 'elapsed';
      const starting = this.#leftToStart();
      if (starting <= 0) return 'reported';
      this.#sleep(seen, Math.min(left, starting));
    }
  }

  /** Ends its threads, services first, as long as they may take to stop. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const stopping = this.#lanes.filter((lane) => lane.askToStop());
    for (;;) {
      const seen = Atomics.load(this.#bell, BELL.wakes);
      const left = Math.max(0, ...stopping.map((lane) => lane.leftToStop));
      if (left === 0) break;
      this.#sleep(seen, left);
    }
    for (const lane of this.#lanes) lane.end();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #waitForStart(lane: ThreadLane, ms: number | undefined): boolean {
    const until = ms === undefined ? Number.POSITIVE_INFINITY : performance.now() + ms;
    for (;;) {
      const seen = Atomics.load(this.#bell, BELL.wakes);
      if (lane.hasStarted()) return true;
      const left = Math.min(until - performance.now(), this.#leftToStart());
      if (until <= performance.now()) return false;
      if (left > 0) this.#sleep(seen, left);
    }
  }

  #assertOpen(at: string): void {
    if (this.#closed) throw new LockstepError('BRIDGE_CLOSED', 'The SyncBridge is closed.', { at });
  }

  #laneOf(service: ServiceReference): ThreadLane {
    let lane = this.#services.get(service);
    if (lane === undefined) {
      lane = new ThreadLane(this.#options, this.#bell, service);
      this.#services.set(service, lane);
      this.#lanes.push(lane);
    }
    return lane;
  }

  #take(): boolean {
    let reported = false;
    for (const lane of this.#lanes) if (lane.take()) reported = true;
    return reported;
  }

  /** Nothing moves in any thread that has a call; where none has, in any. */
  #isStalled(): boolean {
    let stalled = true;
    let busy = false;
    for (const lane of this.#lanes) {
      if (lane.isBusy && !lane.isStalled) return false;
      busy ||= lane.isBusy;
      stalled &&= lane.isStalled;
    }
    return busy || stalled;
  }

  /** How long threads may still take to start. 0: one of them did not, and its calls have failed. */
  #leftToStart(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes) {
      const left = lane.leftToStart;
      if (left <= 0) lane.giveUp();
      least = Math.min(least, Math.max(0, left));
    }
    return least;
  }

  #sleep(seen: number, ms: number): void {
    Atomics.store(this.#bell, BELL.asleep, 1);
    Atomics.wait(this.#bell, BELL.wakes, seen, ms);
    Atomics.store(this.#bell, BELL.asleep, 0);
  }
}
