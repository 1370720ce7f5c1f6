import { didYouMean } from '../../base/did-you-mean.js';
import { ConfigurationError } from '../../base/errors.js';
import { readPath } from '../../base/source-path.js';

const TEMPLATE = /\$(\$\{)|\$\{([^}]*)\}/g;
const WHOLE = /^\$\{([^}]*)\}$/;

function lookUp(name: string, values: Readonly<Record<string, unknown>>, at: string): unknown {
  const [first = '', ...rest] = name.trim().split('.');
  if (!Object.hasOwn(values, first)) {
    throw new ConfigurationError(
      'UNKNOWN_PARAMETER',
      `The template at ${at} names "${first}". ${didYouMean(first, Object.keys(values))}`,
      { at, value: name },
    );
  }
  return readPath(values[first], rest);
}

function expandText(text: string, values: Readonly<Record<string, unknown>>, at: string): unknown {
  const whole = WHOLE.exec(text);
  if (whole !== null) return lookUp(whole[1] as string, values, at);
  return text.replace(TEMPLATE, (_, escaped: string | undefined, name: string | undefined) =>
    escaped === undefined ? String(lookUp(name as string, values, at)) : escaped,
  );
}

/**
 * Expands `${name}` and `${name.path}` in a configuration from a data form, once: what a value brings is not expanded again. A
 * string that is one template keeps the type of its value; one inside other text becomes text; `$${` stands for `${`. Objects
 * and arrays are walked, everything else is returned as it is.
 *
 * @throws ConfigurationError UNKNOWN_PARAMETER naming the name and the place
 */
export function expandTemplates(value: unknown, values: Readonly<Record<string, unknown>>, at = '$'): unknown {
  if (typeof value === 'string') return value.includes('$') ? expandText(value, values, at) : value;
  if (Array.isArray(value)) return value.map((item, index) => expandTemplates(item, values, `${at}[${index}]`));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, expandTemplates(inner, values, `${at}.${key}`)]),
  );
}
