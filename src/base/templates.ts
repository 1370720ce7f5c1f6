import { didYouMean } from './did-you-mean.js';
import { ConfigurationError } from './errors.js';
import { readPath } from './source-path.js';

const TEMPLATE = /\$(\$\{)|\$\{([^}]*)\}/g;
const WHOLE = /^\$\{([^}]*)\}$/;
const NOTHING: readonly never[] = [];

/** A name that a template mentions, and the path behind it. */
export interface TemplateName {
  readonly name: string;
  readonly path: readonly string[];
}

type Values = Readonly<Record<string, unknown>>;

function lookUp(name: string, values: Values, at: string): unknown {
  const [first = '', ...rest] = name.trim().split('.');
  if (!Object.hasOwn(values, first)) {
    const what = `The template at ${at} names "${first}". ${didYouMean(first, Object.keys(values))}`;
    throw new ConfigurationError('UNKNOWN_PARAMETER', what, { at, value: name });
  }
  const value = readPath(values[first], rest);
  if (value !== undefined || rest.length === 0) return value;
  throw new ConfigurationError(
    'UNKNOWN_PARAMETER',
    `The template at ${at} names "${name.trim()}", which does not exist.`,
    { at, value: name },
  );
}

/** A value inside other text: what JSON would make of objects and arrays, and nothing of what is absent. */
function embedded(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function expandText(text: string, values: Values, at: string): unknown {
  const whole = WHOLE.exec(text);
  if (whole !== null) return lookUp(whole[1] as string, values, at);
  return text.replace(
    TEMPLATE,
    (_, escaped: string | undefined, name: string) => escaped ?? embedded(lookUp(name, values, at)),
  );
}

/**
 * Expands `${name}` and `${name.path}` in a configuration from a data form, once: what a value brings is not expanded again. A
 * string that is one template keeps the type of its value; one inside other text becomes text (objects and arrays as JSON, an
 * optional parameter that was not passed as nothing); `$${` stands for `${`. Objects and arrays are walked, everything else is
 * returned as it is.
 *
 * @throws ConfigurationError UNKNOWN_PARAMETER naming the name, or the path that leads nowhere, and the place
 */
export function expandTemplates(value: unknown, values: Values, at = '$'): unknown {
  if (typeof value === 'string') return value.includes('$') ? expandText(value, values, at) : value;
  if (Array.isArray(value)) return value.map((item, index) => expandTemplates(item, values, `${at}[${index}]`));
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, expandTemplates(inner, values, `${at}.${key}`)]),
  );
}

function nameIn(text: string): TemplateName {
  const [name = '', ...path] = text.trim().split('.');
  return { name, path };
}

/** Every name that the templates of a value mention, in the order in which they are written. */
export function templateNames(value: unknown): readonly TemplateName[] {
  if (typeof value === 'string')
    return [...value.matchAll(TEMPLATE)].flatMap(([, escaped, name]) =>
      escaped === undefined ? nameIn(name ?? '') : [],
    );
  if (Array.isArray(value)) return value.flatMap(templateNames);
  if (typeof value !== 'object' || value === null) return NOTHING;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return NOTHING;
  return Object.values(value).flatMap(templateNames);
}

/** The name that is the whole of a text; `undefined` for anything else. */
export function wholeTemplate(value: unknown): TemplateName | undefined {
  const whole = typeof value === 'string' ? WHOLE.exec(value) : null;
  return whole === null ? undefined : nameIn(whole[1] as string);
}
