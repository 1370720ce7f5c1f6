/**
 * Checks the imports of src/ against the layer law in .dependency-cruiser.cjs, and that no file of src/ was left out:
 * without a TypeScript parser dependency-cruiser sees no module and reports no violation.
 *
 * Usage: node scripts/check-layers.mjs (in the folder that holds src/ and package.json)
 */
import swcVisitor from '@swc/core/Visitor.js';
import { cruise } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import { sourceFiles } from './files.mjs';

teachUsingDeclarations(swcVisitor.Visitor.prototype);
const config = new URL('../.dependency-cruiser.cjs', import.meta.url).pathname;
const { output } = await cruise(['src'], await extractOptions(config));
const { modules, summary } = output;

const expected = sourceFiles();
const seen = new Set(modules.map((module) => module.source).filter((path) => path.startsWith('src/')));
const missed = expected.filter((path) => !seen.has(path));

for (const { rule, from, to, cycle } of summary.violations) {
  const route = cycle ? cycle.map((step) => step.name).join(' -> ') : to;
  console.error(`${rule.name}: ${from} -> ${route}`);
}
for (const path of missed) console.error(`not cruised: ${path}`);
console.log(`${seen.size} modules cruised of ${expected.length}, ${summary.violations.length} violations`);
process.exitCode = expected.length === 0 || missed.length > 0 || summary.violations.length > 0 ? 1 : 0;

/** dependency-cruiser reads TypeScript with the visitor of swc, which does not know `using` and throws. */
function teachUsingDeclarations(visitor) {
  const { visitStatement } = visitor;
  visitor.visitStatement = function (statement) {
    if (statement.type !== 'UsingDeclaration') return visitStatement.call(this, statement);
    this.visitVariableDeclarators(statement.decls);
    return statement;
  };
}
