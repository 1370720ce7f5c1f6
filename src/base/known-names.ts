import { isName } from './names.js';

/** What the language, printers and test frameworks ask of any object. An absent one stays absent. */
const ASKED_OF_ANYTHING: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  'inspect',
  'asymmetricMatch',
  'nodeType',
  'tagName',
]);

/**
 * The same properties, with a refusal of names that are not among them. A misspelt port or parameter does not compile;
 * plain JavaScript would read `undefined`, and the input that was meant would fall back to its default.
 *
 * @param refuse throws; given the name that was read and the names there are
 */
export function knownNames<T extends object>(named: T, refuse: (name: string, known: readonly string[]) => never): T {
  return new Proxy(named, {
    get(target, name, receiver) {
      if (typeof name === 'string' && !(name in target) && isName(name) && !ASKED_OF_ANYTHING.has(name))
        refuse(name, Object.keys(target));
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
}
