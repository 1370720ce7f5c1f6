const NAME = /^[A-Za-z_][\w-]*$/;

/**
 * Whether `name` can name a node, port, parameter, case, cycle or workflow: a letter or underscore, then letters, digits,
 * underscores and hyphens. Names that start with `$` are the kernel's own (`$error`); `__proto__` is refused because an
 * ordinary object cannot hold it as a key.
 */
export function isName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name) && name !== '__proto__';
}
