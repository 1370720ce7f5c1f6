import type { NodeWhen } from '../node.js';
import type { Ref } from '../ref.js';

/** Named lists, as references. */
export type ListRefs = Readonly<Record<string, Ref<readonly unknown[], string>>>;

/** What a list holds. */
export type ItemOf<R> = R extends Ref<readonly (infer T)[], string> ? T : never;
type WhenOf<R> = R extends Ref<unknown, infer C> ? C : never;

/** The branches on which a node depends that needs all of these lists. */
export type AllOf<L extends ListRefs> = NodeWhen<WhenOf<L[keyof L]>, never>;

/** The inputs of a node that takes these lists. */
export type ListInputs<L extends ListRefs> = { readonly [K in keyof L]: readonly ItemOf<L[K]>[] };

/** One item of each list. */
export type Items<L extends ListRefs> = { -readonly [K in keyof L]: ItemOf<L[K]> };

/** One object with the properties of any member of a union. Each may be missing: so may the object that had it. */
export type Merged<T> = {
  [K in T extends T ? keyof T : never]?: T extends { readonly [P in K]?: infer V } ? V : never;
};

/** How the property is named that holds the key: once for all lists, or for each. */
export type KeyOption<L extends ListRefs> =
  | (keyof ItemOf<L[keyof L]> & string)
  | { readonly [K in keyof L]: keyof ItemOf<L[K]> & string };
type Property<T, K> = K extends keyof T ? Exclude<T[K], undefined> : never;
type KeyValue<L extends ListRefs, K> = {
  [N in keyof L]: Property<ItemOf<L[N]>, K extends string ? K : N extends keyof K ? K[N] : never>;
}[keyof L];

/** A row of `merge.byKey`. */
export type Row<L extends ListRefs, K, H> = { key: KeyValue<L, K> } & (H extends 'inner'
  ? Items<L>
  : Partial<Items<L>>) extends infer R
  ? { [P in keyof R]: R[P] }
  : never;
