import { ConfigurationError } from '../errors.js';
import {
  type Bound,
  definitionOf,
  implementationOf,
  type NodeFunction,
  type NodeWhen,
  type PortSpec,
  portSpecs,
} from '../node.js';
import { checkWord, knownFields } from '../option-checks.js';
import { isBindings, type Ref } from '../ref.js';
import { type } from '../schema.js';
import { concatLists, joinByKey, type MergeHow, mergeObjects, zipLists } from './merge-functions.js';
import type { AllOf, Items, KeyOption, ListInputs, ListRefs, Merged, Row } from './merge-types.js';

/** Options of `merge.zip`. */
export interface ZipOptions {
  /**
   * `'equal'`: lists of different lengths fail the attempt. `'shortest'`: what the shortest list has no partner for is
   * left out. Default `equal`.
   */
  readonly lengths?: 'equal' | 'shortest';
}

/** Options of `merge.objects`. */
export interface MergeObjectsOptions {
  /** What a property that two objects have means: the last one counts, or the attempt fails. Default `last`. */
  readonly conflicts?: 'last' | 'error';
}

/** Options of `merge.byKey`. */
export interface ByKeyOptions<K, H extends MergeHow> {
  /** The property that holds the key: one name for all lists, or one for each. */
  readonly key: K;
  /** Which keys give a row: those of every list, of at least one, or of the first list. Default `inner`. */
  readonly how?: H;
}

const LENGTHS = ['equal', 'shortest'] as const;
const CONFLICTS = ['last', 'error'] as const;
const HOWS = ['inner', 'outer', 'left'] as const;

/** A port for an option. It starts with `$`, so that no list has its name and no parameter is broadcast to it. */
function optionPort(name: string): PortSpec {
  return Object.freeze({ name, schema: type<unknown>(), unchecked: true, optional: false, variadic: false });
}

function bound(
  name: string,
  lists: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, unknown>>,
  run: NodeFunction,
): never {
  const at = `merge.${name}`;
  const ports = Object.keys(lists);
  if (ports.length === 0)
    throw new ConfigurationError('INVALID_DEFINITION', `${at}() was called without a list.`, { at });
  const implementation = implementationOf({
    name: `lockstep.${at}`,
    version: '1',
    run,
    inputs: [
      ...portSpecs(Object.fromEntries(ports.map((port) => [port, type<unknown>()])), at),
      ...Object.keys(options).map(optionPort),
    ],
    outputs: portSpecs({ value: type<unknown>() }, at),
    async: false,
  });
  const bind = definitionOf(implementation) as unknown as (inputs: Readonly<Record<string, unknown>>) => unknown;
  return bind({ ...lists, ...options }) as never;
}

function namesOf(lists: unknown, at: string): string[] {
  if (isBindings(lists)) return Object.keys(lists);
  throw new ConfigurationError('INVALID_DEFINITION', `${at}() takes an object of lists by name.`, { at, value: lists });
}

function word<W extends string>(value: unknown, words: readonly W[], at: string): W {
  checkWord(value as W | undefined, words, at);
  return (value as W | undefined) ?? (words[0] as W);
}

function named(names: readonly string[], inputs: Readonly<Record<string, unknown>>) {
  return names.map((name) => [name, inputs[name]] as const);
}

/** The property of each list that holds its key. @throws ConfigurationError INVALID_DEFINITION when a list has none */
function keyProperties(key: unknown, names: readonly string[]): Readonly<Record<string, string>> {
  const own = (name: string): unknown =>
    typeof key === 'object' && key !== null ? (key as Record<string, unknown>)[name] : key;
  if (typeof key === 'object' && key !== null) knownFields(key, names, 'merge.byKey.key');
  return Object.fromEntries(
    names.map((name) => {
      const property = own(name);
      if (typeof property === 'string' && property !== '') return [name, property];
      throw new ConfigurationError(
        'INVALID_DEFINITION',
        `merge.byKey needs the name of the key property of "${name}".`,
        { at: 'merge.byKey.key', value: key },
      );
    }),
  );
}

/**
 * The built-in merge nodes. Each is bound like a node definition and added to a workflow; its output port is `value`.
 * Options are part of the node's configuration and so of the workflow's data and hash. Values that cannot be merged as
 * asked fail the attempt with MERGE_MISMATCH.
 */
export const merge = {
  /** All items of all lists, in order: `merge.concat(collect(a, b))`. */
  concat<L extends readonly unknown[], C extends string>(
    lists: Ref<readonly L[], C>,
  ): Bound<{ readonly lists: readonly L[] }, { value: L[number][] }, NodeWhen<C, never>> {
    return bound('concat', { lists }, {}, (inputs, { nodeId }) => ({ value: concatLists(inputs.lists, nodeId) }));
  },

  /** Item by item: `merge.zip({ left, right })` gives `{ left, right }` for each position. */
  zip<const L extends ListRefs>(
    lists: L,
    options: ZipOptions = {},
  ): Bound<ListInputs<L>, { value: Items<L>[] }, AllOf<L>> {
    knownFields(options, ['lengths'], 'merge.zip');
    const $lengths = word(options.lengths, LENGTHS, 'merge.zip.lengths');
    const names = namesOf(lists, 'merge.zip');
    return bound('zip', lists, { $lengths }, (inputs, { nodeId }) => ({
      value: zipLists(named(names, inputs), word(inputs.$lengths, LENGTHS, 'merge.zip.lengths'), nodeId),
    }));
  },

  /**
   * One object with the properties of all: `merge.objects(collect(a, b))`. Shallow; a property counts as given even if
   * `null`.
   */
  objects<T extends object, C extends string>(
    objects: Ref<readonly T[], C>,
    options: MergeObjectsOptions = {},
  ): Bound<{ readonly objects: readonly T[] }, { value: Merged<T> }, NodeWhen<C, never>> {
    knownFields(options, ['conflicts'], 'merge.objects');
    const $conflicts = word(options.conflicts, CONFLICTS, 'merge.objects.conflicts');
    return bound('objects', { objects }, { $conflicts }, (inputs, { nodeId }) => ({
      value: mergeObjects(inputs.objects, word(inputs.$conflicts, CONFLICTS, 'merge.objects.conflicts'), nodeId),
    }));
  },

  /**
   * Rows `{ key, left, right }` of the items that have the same key, in the order in which keys first appear, list by
   * list.
   */
  byKey<const L extends ListRefs, const K extends KeyOption<L>, H extends MergeHow = 'inner'>(
    lists: L,
    options: ByKeyOptions<K, H>,
  ): Bound<ListInputs<L>, { value: Row<L, K, H>[] }, AllOf<L>> {
    knownFields(options, ['key', 'how'], 'merge.byKey');
    const names = namesOf(lists, 'merge.byKey');
    if (names.includes('key')) {
      throw new ConfigurationError(
        'INVALID_NAME',
        'A list of merge.byKey cannot be called "key": the rows have that property already.',
        { at: 'merge.byKey', value: 'key' },
      );
    }
    const $key = keyProperties(options.key, names);
    const $how = word(options.how, HOWS, 'merge.byKey.how');
    return bound('byKey', lists, { $key, $how }, (inputs, { nodeId }) => ({
      value: joinByKey(
        named(names, inputs),
        keyProperties(inputs.$key ?? $key, names),
        word(inputs.$how, HOWS, 'merge.byKey.how'),
        nodeId,
      ),
    }));
  },
};
