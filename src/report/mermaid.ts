import type { Workflow } from '../base/workflow.js';
import { graphToDraw } from './arguments.js';
import { type PictureOptions, STATUS_LOOKS } from './node-status.js';
import { allPictures, anchorIn, type Picture, type PictureNode, pictureOf, titleOf } from './picture.js';
import { type GraphEdge, labelOf } from './workflow-graph.js';

/**
 * A workflow as a Mermaid flowchart: text that renders where Markdown is read. The same workflow always gives the same text.
 * Switches are diamonds, gates hexagons, maps leaning boxes marked `×N`, subworkflows boxes with double sides, functions that may
 * fail stadiums, cycles subgraphs; feedback is dashed, `after` dotted. With `children` maps and subworkflows are subgraphs too.
 * Names appear as text only, whatever they hold.
 *
 * @throws ConfigurationError NOT_A_WORKFLOW, NOT_A_RUN, UNKNOWN_OPTION; INVALID_OPTION when `run` is of another graph
 */
export function toMermaid(workflow: Workflow, options: PictureOptions = {}): string {
  const picture = pictureOf(graphToDraw('toMermaid', workflow, options), options.run, options);
  const names = new Names(picture);
  const edges = allPictures(picture).flatMap((one) => one.edges.map((edge) => ({ edge, picture: one })));
  const lines = [
    'flowchart TB',
    ...bodyOf(picture, undefined, '  ', names),
    ...edges.map(({ edge, picture: one }) => `  ${lineOf(edge, one, names)}`),
    ...styles(edges.map(({ edge }) => edge)),
    ...classes(picture, names),
  ];
  return `${lines.join('\n')}\n`;
}

/** Names of parts in the text: numbers, those of children after that of their owner. */
class Names {
  readonly #names = new Map<Picture, ReadonlyMap<string, string>>();

  constructor(picture: Picture, prefix = '') {
    this.#add(picture, prefix);
  }

  #add(picture: Picture, prefix: string): void {
    const names = new Map<string, string>();
    for (const [index, { id }] of picture.nodes.entries()) names.set(id, `${prefix}n${index}`);
    for (const [index, { id }] of picture.cycles.entries()) names.set(id, `${prefix}c${index}`);
    this.#names.set(picture, names);
    for (const { id, inside } of picture.nodes) if (inside !== undefined) this.#add(inside, `${names.get(id)}_`);
  }

  of(picture: Picture, id: string): string {
    return this.#names.get(picture)?.get(id) as string;
  }
}

function bodyOf(picture: Picture, cycle: string | undefined, indent: string, names: Names): string[] {
  const inner = picture.cycles.filter(({ parent }) => parent === cycle);
  const box = (id: string, title: string, body: string[]): string[] => [
    `${indent}subgraph ${names.of(picture, id)}[${quoted(title)}]`,
    ...body,
    `${indent}end`,
  ];
  return [
    ...picture.nodes
      .filter((node) => node.cycle === cycle)
      .flatMap((node) =>
        node.inside === undefined
          ? [`${indent}${names.of(picture, node.id)}${shaped(node)}`]
          : box(node.id, titleOf(node), bodyOf(node.inside, undefined, `${indent}  `, names)),
      ),
    ...inner.flatMap(({ id, maxIterations }) =>
      box(
        id,
        `↻ ${id}${maxIterations === undefined ? '' : `, at most ${maxIterations}`}`,
        bodyOf(picture, id, `${indent}  `, names),
      ),
    ),
  ];
}

function shaped({ label, shape }: PictureNode): string {
  const text = quoted(label);
  switch (shape) {
    case 'function':
      return `[${text}]`;
    case 'switch':
      return `{${text}}`;
    case 'try':
      return `([${text}])`;
    case 'map':
      return `[/${text}/]`;
    case 'subworkflow':
      return `[[${text}]]`;
    case 'gate':
      return `{{${text}}}`;
  }
}

/** A box cannot be tied to itself: an edge that would runs inside it. */
function lineOf(edge: GraphEdge, picture: Picture, names: Names): string {
  const loops = edge.from === edge.to;
  const [from, to] = loops
    ? [anchorIn(picture, edge.from, 'last'), anchorIn(picture, edge.to, 'first')]
    : [
        { picture, id: edge.from },
        { picture, id: edge.to },
      ];
  return `${names.of(from.picture, from.id)} ${arrowOf(edge)} ${names.of(to.picture, to.id)}`;
}

function arrowOf(edge: GraphEdge): string {
  const arrow = edge.kind === 'data' ? '-->' : '-.->';
  const label = labelOf(edge);
  return label === '' ? arrow : `${arrow}|${quoted(label)}|`;
}

/** Mermaid has one kind of broken line; what tells feedback from waiting is the length of the dashes. */
function styles(edges: readonly GraphEdge[]): string[] {
  const of = (kinds: readonly string[], dashes: string): string[] => {
    const numbers = edges.flatMap(({ kind }, index) => (kinds.includes(kind) ? [index] : []));
    return numbers.length === 0 ? [] : [`  linkStyle ${numbers.join(',')} stroke-dasharray:${dashes}`];
  };
  return [...of(['feedback'], '8 4'), ...of(['after', 'choice'], '2 4')];
}

function classes(picture: Picture, names: Names): string[] {
  const nodes = allPictures(picture).flatMap((one) =>
    one.nodes.map(({ id, status }) => ({ status, name: names.of(one, id) })),
  );
  const used = [...new Set(nodes.flatMap(({ status }) => status ?? []))].sort();
  return used.flatMap((status) => {
    const { fill, stroke, text } = STATUS_LOOKS[status];
    const members = nodes.filter((node) => node.status === status).map(({ name }) => name);
    return [
      `  classDef ${status} fill:${fill},stroke:${stroke},color:${text}`,
      `  class ${members.join(',')} ${status}`,
    ];
  });
}

const ENTITIES: Readonly<Record<string, string>> = {
  '"': '#quot;',
  '#': '#35;',
  '&': '#amp;',
  '<': '#lt;',
  '>': '#gt;',
  '`': '#96;',
  '\\': '#92;',
};

/** Text in quotes. Mermaid knows no backslash escapes in it, but entities of its own. */
function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
  return `"${plain.replace(/["#&<>`\\]/g, (sign) => ENTITIES[sign] as string)}"`;
}
