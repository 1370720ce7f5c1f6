import type { FlowNode, FlowSource } from './flow.js';
import type { RawBodyInput } from './raw-flow.js';

/** Something that a later part can read. */
export interface Visible {
  readonly id: string;
  readonly ports: readonly string[];
  /** Cases to join, where it goes one of several ways: a switch that takes one case, a gate, a node that may fail. */
  readonly cases?: readonly string[] | undefined;
  /** Those of its ports that carry lists. */
  readonly lists?: readonly string[];
  /** The head of the cycle whose tail reads it. */
  readonly looped?: string | undefined;
}

/** A whole output. */
export function whole(node: string, port: string): FlowSource {
  return { kind: 'output', node, port, path: 'whole' };
}

/** Whether a node may run although an input has nothing to give. */
export function isLoose(join: FlowNode['join']): boolean {
  return join === 'any' || join === 'always';
}

/** Whether at most one of some sources is live: ways out of one node that takes one of them. */
export function areExclusive(of: readonly FlowSource[], visible: readonly Visible[]): boolean {
  if (of.length === 1) return true;
  const owners = of.map((one) => (one.kind === 'output' ? visible.find(({ id }) => id === one.node) : undefined));
  const [owner] = owners;
  return owners.every((one, at) => one === owner && one?.cases?.includes((of[at] as { readonly port: string }).port));
}

/** Sources without those that are there already. */
export function distinct(sources: readonly FlowSource[]): readonly FlowSource[] {
  const texts = sources.map((source) => JSON.stringify(source));
  return sources.filter((_, position) => texts.indexOf(texts[position] as string) === position);
}

/** What the body of a map takes of its item. */
export function takenOf({ take }: RawBodyInput): FlowSource {
  if (take === 'index') return { kind: 'parameter', name: '$index' };
  return { kind: 'parameter', name: '$item', ...(take === 'n of item' ? { path: 'n' } : {}) };
}
