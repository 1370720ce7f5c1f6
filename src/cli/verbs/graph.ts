import { compile } from '../../base/compile.js';
import type { Workflow } from '../../base/workflow.js';
import { toDot, toMermaid } from '../../report/index.js';
import { graphOfPlan, type WorkflowGraph } from '../../report/workflow-graph.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { jsonText } from '../json-text.js';
import { writeText } from '../load/files.js';
import { loadWorkflow } from '../load/load-workflow.js';
import type { Screen } from '../screen.js';

/** What a workflow can be drawn as. */
export const FORMATS = ['mermaid', 'dot', 'json'] as const;

/** Options of `lockstep graph`. */
export interface GraphVerbOptions {
  readonly format: (typeof FORMATS)[number];
  /** Draws the graph of a subworkflow or map in its place. */
  readonly children?: boolean;
  /** A file instead of stdout. */
  readonly output?: string;
  readonly workflow?: string;
  readonly registry?: string;
}

/** A workflow as plain data: its nodes, its cycles, and what leads from where to where; that of a child in its node. */
function graphDocument({ name, nodes, cycles, edges }: WorkflowGraph): object {
  return {
    name,
    nodes: nodes.map(({ id, shape, use, cycle, join, mayFail, child }) => ({
      id,
      kind: shape,
      use: use ?? null,
      cycle: cycle ?? null,
      join,
      mayFail,
      children: child === undefined ? null : graphDocument(graphOfPlan(child)),
    })),
    cycles: cycles.map(({ id, parent, maxIterations }) => {
      return { id, within: parent ?? null, maxIterations: maxIterations ?? null };
    }),
    edges: edges.map(({ from, to, kind, ports }) => {
      return { from, to, kind, ports: ports.map((port) => ({ ...port, via: port.via ?? null })) };
    }),
  };
}

function drawn(workflow: Workflow, format: GraphVerbOptions['format'], children: boolean): string {
  if (format === 'json') return jsonText(graphDocument(graphOfPlan(compile(workflow))));
  return (format === 'dot' ? toDot(workflow, { children }) : toMermaid(workflow, { children })).trimEnd();
}

/** `lockstep graph FILE`. */
export async function graphVerb(file: string, options: GraphVerbOptions, screen: Screen): Promise<ExitCode> {
  const { format, children = false, output, workflow: name, registry } = options;
  const workflow = await loadWorkflow({ file, workflow: name, registry });
  const text = drawn(workflow, screen.json ? 'json' : format, children);
  if (output === undefined) {
    screen.print(text);
    return EXIT.completed;
  }
  writeText(output, `${text}\n`);
  screen.note(`graph: ${output}`);
  return EXIT.completed;
}
