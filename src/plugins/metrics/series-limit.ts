import type { Log } from '../../base/ports.js';
import type { Instrument } from './instruments.js';
import { LABELS, type LabelName, type Labels, OTHER } from './labels.js';

/** Series by the values of their labels, one level a label: to put a text together and look it up takes five times as long. */
class SeriesTree {
  readonly #names: readonly LabelName[];
  readonly #root: Branch = new Map();
  size = 0;

  constructor({ labels }: Instrument) {
    this.#names = labels;
  }

  find(labels: Labels): Labels | undefined {
    let branch: Branch | Labels | undefined = this.#root;
    for (const name of this.#names) {
      branch = (branch as Branch).get(labels[name]);
      if (branch === undefined) return undefined;
    }
    return branch as Labels;
  }

  /** Keeps a series that is not known yet. */
  add(labels: Labels): Labels {
    const own = Object.freeze({ ...labels });
    let branch = this.#root;
    for (const name of this.#names.slice(0, -1)) {
      const next = branch.get(labels[name]) ?? (new Map() as Branch);
      branch.set(labels[name], next);
      branch = next as Branch;
    }
    branch.set(labels[this.#names.at(-1) as LabelName], own);
    this.size++;
    return own;
  }
}

/** On the last level, series. */
type Branch = Map<string | undefined, Branch | Labels>;

interface Known {
  readonly series: SeriesTree;
  /** What stands for series beyond the limit; as many as the labels with a fixed set of values have combinations. */
  readonly rest: SeriesTree;
}

/**
 * Limits the number of series. Once an instrument has as many as it may, every further one is counted under the value `other`
 * of each label whose values have no end; a status or state stays what it is. The first to come are the ones that are kept.
 */
export class SeriesLimit {
  readonly #most: number;
  readonly #known = new Map<Instrument, Known>();

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
    const { series, rest } = this.#knownOf(instrument);
    const found = series.find(labels);
    if (found !== undefined) return found;
    if (series.size < this.#most) return series.add(labels);
    if (rest.size === 0) {
      const fields = { instrument: instrument.name, maxSeries: this.#most };
      log.log('warn', `${instrument.name} has ${this.#most} series; further ones are counted as "${OTHER}".`, fields);
    }
    const others = withoutValues(labels);
    return rest.find(others) ?? rest.add(others);
  }

  #knownOf(instrument: Instrument): Known {
    const found = this.#known.get(instrument);
    if (found !== undefined) return found;
    const made: Known = { series: new SeriesTree(instrument), rest: new SeriesTree(instrument) };
    this.#known.set(instrument, made);
    return made;
  }
}

function withoutValues(labels: Labels): Labels {
  const entries = Object.entries(labels) as [LabelName, string][];
  return Object.fromEntries(entries.map(([name, value]) => [name, LABELS[name].values === undefined ? OTHER : value]));
}
