/** The entry points of the package, read from `exports` in package.json, which is the one place that lists them. */
import { readFileSync } from 'node:fs';

/**
 * Each with the name that it is imported by (`lockstep/testing`), that name as the name of a file (`lockstep-testing`), its
 * source, and its declarations. Paths are relative to the working directory.
 */
export function entryPoints() {
  const { name, exports } = JSON.parse(readFileSync('package.json', 'utf8'));
  return Object.entries(exports).flatMap(([subpath, target]) => {
    if (typeof target === 'string') return []; // data, such as the JSON Schema of workflows
    const imported = name + subpath.slice(1);
    return [
      {
        name: imported,
        fileName: imported.replaceAll('/', '-'),
        source: target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts'),
        declarations: target.types.replace('./', ''),
      },
    ];
  });
}
