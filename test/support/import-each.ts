import { register } from 'node:module';

/**
 * A program: imports each module that it is told, by its address, as if nothing had been imported before, and prints what
 * went wrong. Every module gets instances of its own of all our modules that it needs: their addresses carry its number.
 * One process does for all, since third-party packages are loaded once.
 *
 * Usage: node import-each.js URL ...
 */
const resolveAlone = `
  export async function resolve(specifier, context, next) {
    const resolved = await next(specifier, context);
    const alone = context.parentURL && new URL(context.parentURL).searchParams.get('alone');
    if (!alone || !resolved.url.startsWith('file:') || resolved.url.includes('/node_modules/')) return resolved;
    return { ...resolved, url: resolved.url + '?alone=' + alone };
  }`;

register(`data:text/javascript,${encodeURIComponent(resolveAlone)}`);

for (const [number, url] of process.argv.slice(2).entries()) {
  try {
    await import(`${url}?alone=${number + 1}`);
  } catch (error) {
    console.log(url, error instanceof Error ? error.message : error);
  }
}
