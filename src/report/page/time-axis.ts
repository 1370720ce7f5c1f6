import type { PageWait } from '../page-data.js';

/** A wait of the run, cut short. Lengths are milliseconds. */
export interface Cut {
  /** When it began, in the time of the run. */
  readonly from: number;
  readonly to: number;
  /** Where it begins as shown, and how long it is shown to be. */
  readonly at: number;
  readonly width: number;
}

/** As shown, a wait is at most this share of all that is not waiting. */
const SHARE = 0.05;

/** The time of a run as shown: a run that waited two days for an answer is otherwise nothing but that. */
export class TimeAxis {
  /** How long the whole run is, as shown. */
  readonly length: number;
  readonly cuts: readonly Cut[];

  constructor(durationMs: number, waits: readonly PageWait[]) {
    const ended = waits.flatMap(({ from, to }) => (to === null || to <= from ? [] : [{ from, to }]));
    const waited = ended.reduce((sum, { from, to }) => sum + to - from, 0);
    const active = durationMs - waited;
    let removed = 0;
    this.cuts = ended.map(({ from, to }) => {
      const width = active > 0 ? Math.min(to - from, active * SHARE) : to - from;
      const at = from - removed;
      removed += to - from - width;
      return { from, to, at, width };
    });
    this.length = Math.max(durationMs - removed, 0.001);
  }

  /** Where a moment of the run is shown. */
  shown(time: number): number {
    const cut = this.cuts.findLast(({ from }) => from < time);
    if (cut === undefined) return time;
    const { from, to, at, width } = cut;
    return time < to ? at + ((time - from) / (to - from)) * width : at + width + time - to;
  }

  /** The moment of the run that is shown somewhere. */
  moment(place: number): number {
    const cut = this.cuts.findLast(({ at }) => at < place);
    if (cut === undefined) return place;
    const { from, to, at, width } = cut;
    return place < at + width ? from + ((place - at) / width) * (to - from) : to + place - at - width;
  }

  /** How long the run had been at work at a place: its waits do not count. */
  worked(place: number): number {
    let waited = 0;
    for (const { at, width } of this.cuts) if (at < place) waited += Math.min(width, place - at);
    return place - waited;
  }

  /** Where it is shown that the run had been at work so long. */
  placeOf(worked: number): number {
    let place = worked;
    for (const { at, width } of this.cuts) if (at < place) place += width;
    return place;
  }
}
