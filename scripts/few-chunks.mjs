/**
 * Keeps a bundle with several entry points in few chunks. esbuild makes a chunk of whatever the same entry points share: with many of
 * them, and those that are imported later, the package fell into dozens, and Node takes a millisecond or two for each file.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';

/**
 * The options with which esbuild puts what `core` needs into two chunks: what light entry points need of it, and the rest. They are told
 * to import more than they need: a light one all that any of them needs of the core, one of `withCore` the core. Paths are relative to
 * the working directory.
 *
 * @param options those of the build
 * @param entries `core` and `withCore` are entry points; `light` may be imported later, too
 */
export async function fewChunks(options, { core, light, withCore }) {
  const { metafile } = await build({ ...options, write: false, metafile: true });
  const inCore = modulesOf(core, metafile);
  const shared = new Set(light.flatMap((entry) => [...modulesOf(entry, metafile)].filter((path) => inCore.has(path))));
  const added = new Map([
    ...withCore.map((entry) => [resolve(entry), [core]]),
    ...light.map((entry) => [resolve(entry), [...shared]]),
  ]);
  return { ...options, plugins: [importing(added)] };
}

/** Everything that a module imports at once, itself included. */
function modulesOf(entry, { inputs }) {
  if (!(entry in inputs)) throw new Error(`${entry} is not in the bundle.`);
  const found = new Set([entry]);
  for (const path of found)
    for (const { path: imported, kind } of inputs[path].imports)
      if (kind === 'import-statement' && imported in inputs) found.add(imported);
  return found;
}

/** Adds imports behind all others of some modules. */
function importing(added) {
  const load = ({ path }) => {
    const paths = added.get(path);
    if (paths === undefined) return undefined;
    const imports = paths.map((one) => `import ${JSON.stringify(resolve(one))};`);
    return { contents: [readFileSync(path, 'utf8'), ...imports].join('\n'), loader: 'ts' };
  };
  return { name: 'importing', setup: ({ onLoad }) => onLoad({ filter: /\.ts$/ }, load) };
}
