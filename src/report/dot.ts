import type { Workflow } from '../base/workflow.js';
import { graphToDraw } from './arguments.js';
import { type PictureOptions, STATUS_LOOKS } from './node-status.js';
import { allPictures, anchorIn, type Picture, type PictureNode, pictureOf, titleOf } from './picture.js';
import { type GraphEdge, labelOf, type NodeShape } from './workflow-graph.js';

/**
 * A workflow in the DOT language of Graphviz. The same workflow always gives the same text. Switches are diamonds, gates
 * hexagons, maps boxes with depth marked `×N`, subworkflows boxes with a double border, functions that may fail rounded ones with
 * a double border, cycles clusters; feedback is dashed, `after` dotted. With `children` maps and subworkflows are clusters too.
 * Names appear as text only.
 *
 * @throws ConfigurationError NOT_A_WORKFLOW, NOT_A_RUN, UNKNOWN_OPTION; INVALID_OPTION when `run` is of another graph
 */
export function toDot(workflow: Workflow, options: PictureOptions = {}): string {
  const picture = pictureOf(graphToDraw('toDot', workflow, options), options.run, options);
  const lines = [
    `digraph ${quoted(picture.name)} {`,
    '  compound=true;',
    '  node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontname="sans-serif"];',
    '  edge [fontname="sans-serif", fontsize=10];',
    ...bodyOf(picture, undefined, '  '),
    ...allPictures(picture).flatMap((one) => one.edges.map((edge) => `  ${edgeOf(edge, one)};`)),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function bodyOf(picture: Picture, cycle: string | undefined, indent: string): string[] {
  const cluster = (id: string, attributes: readonly string[], body: string[]): string[] => [
    `${indent}subgraph ${quoted(`cluster ${picture.scope}${id}`)} {`,
    ...attributes.map((attribute) => `${indent}  ${attribute};`),
    ...body,
    `${indent}}`,
  ];
  return [
    ...picture.nodes
      .filter((node) => node.cycle === cycle)
      .flatMap((node) =>
        node.inside === undefined
          ? [`${indent}${quoted(`${picture.scope}${node.id}`)} [${attributesOf(node)}];`]
          : cluster(node.id, boxAttributes(node), bodyOf(node.inside, undefined, `${indent}  `)),
      ),
    ...picture.cycles
      .filter(({ parent }) => parent === cycle)
      .flatMap(({ id, maxIterations }) => {
        const title = `↻ ${id}${maxIterations === undefined ? '' : `, at most ${maxIterations}`}`;
        const attributes = [`label=${quoted(title)}`, 'style="rounded"'];
        return cluster(id, attributes, bodyOf(picture, id, `${indent}  `));
      }),
  ];
}

function attributesOf(node: PictureNode): string {
  const { shape, status, label } = node;
  const looks = [`label=${quoted(label)}`, ...SHAPES[shape]];
  if (status === undefined) return looks.join(', ');
  const { fill, stroke, text } = STATUS_LOOKS[status];
  const colours = [`fillcolor="${fill}"`, `color="${stroke}"`, `fontcolor="${text}"`, `tooltip=${quoted(status)}`];
  return [...looks, ...colours].join(', ');
}

/** A box around children: its border says what became of their owner. */
function boxAttributes(node: PictureNode): string[] {
  const colours = node.status === undefined ? [] : [`color="${STATUS_LOOKS[node.status].stroke}"`];
  return [`label=${quoted(titleOf(node))}`, 'style="solid"', 'peripheries=2', ...colours];
}

const SHAPES: Readonly<Record<NodeShape, readonly string[]>> = {
  function: [],
  switch: ['shape=diamond', 'style=filled'],
  try: ['peripheries=2'],
  map: ['shape=box3d', 'style=filled'],
  subworkflow: ['style=filled', 'peripheries=2'],
  gate: ['shape=hexagon', 'style=filled'],
};

const LINES = { data: 'solid', feedback: 'dashed', after: 'dotted', choice: 'dotted' } as const;

/** An edge that leaves or enters a box is cut at its cluster: Graphviz wants nodes inside to start from and to lead to. */
function edgeOf(edge: GraphEdge, picture: Picture): string {
  const tail = anchorOf(edge.from, picture);
  const head = anchorIn(picture, edge.to, 'first');
  const end = (name: 'ltail' | 'lhead', id: string, cut: string): string[] =>
    cut === `${picture.scope}${id}` || edge.from === edge.to
      ? []
      : [`${name}=${quoted(`cluster ${picture.scope}${id}`)}`];
  const [from, to] = [`${tail.picture.scope}${tail.id}`, `${head.picture.scope}${head.id}`];
  const label = labelOf(edge);
  const attributes = [
    ...(label === '' ? [] : [`label=${quoted(label)}`]),
    ...(edge.kind === 'data' ? [] : [`style=${LINES[edge.kind]}`]),
    ...(edge.kind === 'feedback' ? ['constraint=false'] : []),
    ...end('ltail', edge.from, from),
    ...end('lhead', edge.to, to),
  ];
  const tailAndHead = `${quoted(from)} -> ${quoted(to)}`;
  return attributes.length === 0 ? tailAndHead : `${tailAndHead} [${attributes.join(', ')}]`;
}

function anchorOf(part: string, picture: Picture): ReturnType<typeof anchorIn> {
  if (!picture.cycles.some(({ id }) => id === part)) return anchorIn(picture, part, 'last');
  const inside = picture.nodes.findLast(({ cycle }) => cycle === part);
  if (inside !== undefined) return anchorIn(picture, inside.id, 'last');
  return anchorOf(picture.cycles.find(({ parent }) => parent === part)?.id as string, picture);
}

/** Text in quotes: backslash, quote and line breaks are all that DOT reads in it. */
function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return `"${escaped.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')}"`;
}
