// biome-ignore lint/suspicious/noTsIgnore: it has to stand in the declarations too, where @ts-expect-error would fail beside fast-check
/** @ts-ignore whoever draws no workflows need not have fast-check: its types are then `any` */
import type fc from 'fast-check';

/** The module fast-check, version 4, as `import fc from 'fast-check'` gives it. */
export type FastCheck = typeof fc;

/** An arbitrary of fast-check. */
export type Arbitrary<T> = fc.Arbitrary<T>;
