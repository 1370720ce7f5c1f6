/** A property of an object itself; `undefined` for what it only inherits, such as `constructor`. */
export function own(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
