import Module from 'node:module';

interface Resolver {
  _resolveFilename(request: string, ...rest: readonly unknown[]): string;
}

/** Calls something in a process in which a package is not installed, as far as `require` can see. */
export function withoutPackage(name: string, call: () => void): void {
  const resolver = Module as unknown as Resolver;
  const original = resolver._resolveFilename;
  resolver._resolveFilename = (request, ...rest) => {
    if (request === name) throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });
    return original.call(resolver, request, ...rest);
  };
  try {
    call();
  } finally {
    resolver._resolveFilename = original;
  }
}
