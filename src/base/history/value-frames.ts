import { pathStep } from '../value-path.js';

/** Texts of which JSON escapes no character: neither quotation marks, backslashes and control characters, nor surrogates. */
const UNESCAPED = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

/** A string as `JSON.stringify` writes it, which takes longer to call than most strings take to be looked through. */
export function quoted(text: string): string {
  return UNESCAPED.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** An object that is being written: the texts before, between and behind what it holds. Each member is read when it is written. */
export abstract class Frame {
  /** The object itself, which must not occur inside it. */
  readonly value: object;
  readonly open: string;
  readonly close: string;
  /** How many members it has. */
  readonly size: number;
  /** Position of the next member. */
  next = 0;

  constructor(value: object, size: number, open: string, close: string) {
    this.value = value;
    this.size = size;
    this.open = open;
    this.close = close;
  }

  abstract member(index: number): unknown;
  /** The step of a path that leads to a member. */
  abstract step(index: number): string;

  before(_index: number): string {
    return '';
  }

  after(_index: number): string {
    return '';
  }
}

/** An array without holes. */
export class ArrayFrame extends Frame {
  constructor(array: readonly unknown[]) {
    super(array, array.length, '[', ']');
  }

  override member(index: number): unknown {
    return (this.value as readonly unknown[])[index];
  }

  override step(index: number): string {
    return pathStep(index);
  }
}

/** A plain object. */
export class RecordFrame extends Frame {
  readonly keys: readonly string[];

  constructor(record: object, keys: readonly string[]) {
    super(record, keys.length, '{', '}');
    this.keys = keys;
  }

  override member(index: number): unknown {
    return (this.value as Readonly<Record<string, unknown>>)[this.keys[index] as string];
  }

  override step(index: number): string {
    return pathStep(this.keys[index] as string);
  }

  override before(index: number): string {
    return `${quoted(this.keys[index] as string)}:`;
  }
}

/** What is written as pairs of a key and what stands there: an object that JSON cannot show, or an array with holes. */
export class EntriesFrame extends Frame {
  readonly keys: readonly (string | number)[];

  constructor(value: object, keys: readonly (string | number)[], open: string, close: string) {
    super(value, keys.length, open, close);
    this.keys = keys;
  }

  override member(index: number): unknown {
    return (this.value as Readonly<Record<string | number, unknown>>)[this.keys[index] as string | number];
  }

  override step(index: number): string {
    return pathStep(this.keys[index] as string | number);
  }

  override before(index: number): string {
    const key = this.keys[index] as string | number;
    return `[${typeof key === 'string' ? quoted(key) : key},`;
  }

  override after(): string {
    return ']';
  }
}

/** The items of a Set. */
export class SetFrame extends Frame {
  readonly items: readonly unknown[];

  constructor(set: Set<unknown>) {
    const items: unknown[] = [];
    Set.prototype.forEach.call(set, (item) => items.push(item));
    super(set, items.length, '{"$":"set","v":[', ']}');
    this.items = items;
  }

  override member(index: number): unknown {
    return this.items[index];
  }

  override step(index: number): string {
    return pathStep(index);
  }
}

/** The keys and values of a Map: each of them is a member, `[3][0]` the fourth key and `[3][1]` the value under it. */
export class MapFrame extends Frame {
  readonly items: readonly unknown[];

  constructor(map: Map<unknown, unknown>) {
    const items: unknown[] = [];
    Map.prototype.forEach.call(map, (value, key) => items.push(key, value));
    super(map, items.length, '{"$":"map","v":[', ']}');
    this.items = items;
  }

  override member(index: number): unknown {
    return this.items[index];
  }

  override step(index: number): string {
    return pathStep(index >> 1) + pathStep(index & 1);
  }

  override before(index: number): string {
    return index % 2 === 0 ? '[' : '';
  }

  override after(index: number): string {
    return index % 2 === 0 ? '' : ']';
  }
}
