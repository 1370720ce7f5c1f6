import type { Log } from '../../base/ports.js';
import type { Instrument } from './instruments.js';
import { LABELS, type LabelName, type Labels, OTHER } from './labels.js';

interface Known {
  readonly series: Map<string, Labels>;
  /** What stands for series beyond the limit; as many as the labels with a fixed set of values have combinations. */
  readonly rest: Map<string, Labels>;
}

/**
 * Limits the number of series. Once an instrument has as many as it may, every further one is counted under the value `other`
 * of each label whose values have no end; a status or state stays what it is. The first to come are the ones that are kept.
 */
export class SeriesLimit {
  readonly #most: number;
  readonly #known = new Map<string, Known>();

  /** @param most series per instrument. A whole number, at least 1 */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * The labels under which a measurement is to be counted: one frozen object for each series.
   *
   * @param log told once for each instrument that there are too many
   */
  labelsFor(instrument: Instrument, labels: Labels, log: Log): Labels {
    const known = this.#knownOf(instrument);
    const key = keyOf(instrument, labels);
    const found = known.series.get(key);
    if (found !== undefined) return found;
    if (known.series.size < this.#most) return kept(known.series, key, labels);
    if (known.rest.size === 0) {
      const fields = { instrument: instrument.name, maxSeries: this.#most };
      log.log('warn', `${instrument.name} has ${this.#most} series; further ones are counted as "${OTHER}".`, fields);
    }
    const others = withoutValues(labels);
    const otherKey = keyOf(instrument, others);
    return known.rest.get(otherKey) ?? kept(known.rest, otherKey, others);
  }

  #knownOf({ name }: Instrument): Known {
    const found = this.#known.get(name);
    if (found !== undefined) return found;
    const made: Known = { series: new Map(), rest: new Map() };
    this.#known.set(name, made);
    return made;
  }
}

function keyOf(instrument: Instrument, labels: Labels): string {
  let key = '';
  for (const name of instrument.labels) key += `${labels[name] ?? ''}\n`;
  return key;
}

function kept(series: Map<string, Labels>, key: string, labels: Labels): Labels {
  const own = Object.freeze({ ...labels });
  series.set(key, own);
  return own;
}

function withoutValues(labels: Labels): Labels {
  const entries = Object.entries(labels) as [LabelName, string][];
  return Object.fromEntries(entries.map(([name, value]) => [name, LABELS[name].values === undefined ? OTHER : value]));
}
