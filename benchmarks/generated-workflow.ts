const IMPORTS = `import { defineNode, type Ref, type, type WorkflowBuilder, workflow } from '../../../src/index.js';`;

const DEFINITIONS = `
interface Row { readonly id: number; readonly name: string; readonly tags: readonly string[] }

const read = defineNode({
  name: 'read', inputs: { path: type<string>(), limit: type<number | undefined>() }, outputs: { rows: type<Row[]>() },
  run: ({ path, limit }) => ({ rows: [{ id: limit ?? 0, name: path, tags: [] }] }),
});
const clean = defineNode({
  name: 'clean', inputs: { rows: type<Row[]>(), limit: type<number>() }, outputs: { rows: type<Row[]>(), dropped: type<number>() },
  run: ({ rows, limit }) => ({ rows: rows.slice(0, limit), dropped: 0 }),
});
const mean = defineNode({
  name: 'mean', inputs: { rows: type<Row[]>() }, outputs: { stats: type<{ mean: number; sd: number }>() },
  run: ({ rows }) => ({ stats: { mean: rows.length, sd: 1 } }),
});
const score = defineNode({
  name: 'score', inputs: { rows: type<Row[]>(), weight: type<number>() }, outputs: { value: type<number>() },
  run: ({ rows, weight }) => ({ value: rows.length * weight }),
});
`;

/** Ten nodes as they stand in real workflows: definitions, inline functions, a switch with its branches, one that may fail. */
function group(n: number, rows: string): string {
  return `
  const read${n} = w.add('read${n}', read({ path: 'a.csv' }));
  const clean${n} = w.add('clean${n}', clean({ rows: ${rows}, limit: 50 }));
  const keep${n} = w.add('keep${n}', clean({ rows: read${n}.out.rows, limit: clean${n}.out.dropped }));
  const route${n} = w.switch('route${n}', clean${n}.out.rows, { many: (rows) => rows.length > 10, few: () => true });
  const full${n} = w.add('full${n}', mean({ rows: route${n}.out.many }));
  const rough${n} = w.fn('rough${n}', { rows: route${n}.out.few }, ({ rows }) => ({ mean: rows.length, sd: 0 }));
  const stats${n} = route${n}.join({ many: full${n}.out.stats, few: rough${n}.out.value });
  const weight${n} = w.fn('weight${n}', { stats: stats${n} }, ({ stats }) => stats.mean / stats.sd);
  const score${n} = w.try('score${n}', score({ rows: keep${n}.out.rows, weight: weight${n}.out.value }));
  const spare${n} = w.fn('spare${n}', { because: score${n}.error }, ({ because }) => because.message.length);
  const either${n} = score${n}.join({ ok: score${n}.out.value, failed: spare${n}.out.value });
  const next${n} = w.fn('next${n}', { rows: keep${n}.out.rows, by: either${n} }, ({ rows, by }) => rows.slice(by));`;
}

function body(from: number, groups: number): string {
  const parts = Array.from({ length: groups }, (_, index) => {
    const n = from + index;
    return group(n, index === 0 ? 'first' : `next${n - 1}.out.value`);
  });
  return parts.join('\n');
}

/** The source of a workflow of `functions` × `nodes` nodes, each function building its part; without functions, the imports only. */
export function generatedWorkflow(functions: number, nodes: number): string {
  const groups = Math.ceil(nodes / 10);
  const parts = Array.from({ length: functions }, (_, index) => {
    const from = index * groups;
    const last = `next${from + groups - 1}.out.value`;
    return `\nfunction part${index}(w: Builder, first: Ref<Row[]>): Ref<Row[]> {${body(from, groups)}\n  return ${last};\n}\n`;
  });
  const calls = parts.map((_, index) => `rows = part${index}(w, rows);`);
  return [
    IMPORTS,
    DEFINITIONS,
    `type Builder = WorkflowBuilder<{}>;`,
    ...parts,
    `const w = workflow('generated');`,
    `let rows: Ref<Row[]> = w.add('first', read({ path: 'a.csv' })).out.rows;`,
    ...calls,
    `export const built = w.build({ outputs: { rows } });`,
    '',
  ].join('\n');
}
