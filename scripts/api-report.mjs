/**
 * Compares the API report of each entry point (etc/*.api.md) with its declarations in dist/, and writes the doc models that
 * the pages are made of to build/api/. A difference is shown and counts as a failure.
 *
 * Usage: node scripts/api-report.mjs [--update] (after npm run build)
 *   --update  writes the reports instead
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { entryPoints } from './entry-points.mjs';

const root = process.cwd();
const update = process.argv.includes('--update');
const shared = ExtractorConfig.loadFile(join(root, 'api-extractor.json'));

for (const folder of ['etc', 'build/api']) mkdirSync(folder, { recursive: true });
const stale = entryPoints().filter((entry) => !report(entry));
for (const { name } of stale) console.error(`The API report of ${name} differs: run npm run api:update.`);
process.exitCode = stale.length > 0 ? 1 : 0;

function report({ fileName, declarations }) {
  const extractorConfig = ExtractorConfig.prepare({
    configObject: {
      ...shared,
      projectFolder: root,
      mainEntryPointFilePath: `<projectFolder>/${declarations}`,
      apiReport: { ...shared.apiReport, reportFileName: `${fileName}.api.md` },
      docModel: { ...shared.docModel, apiJsonFilePath: `<projectFolder>/build/api/${fileName}.api.json` },
    },
    configObjectFullPath: join(root, 'api-extractor.json'),
    packageJsonFullPath: join(root, 'package.json'),
  });
  return Extractor.invoke(extractorConfig, { localBuild: update, printApiReportDiff: true }).succeeded;
}
