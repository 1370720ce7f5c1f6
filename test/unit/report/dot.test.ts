import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { toDot } from '../../../src/report/dot.js';
import { eventful, hostile, pictured, recorded } from '../../support/report-runs.js';

const PICTURE = `digraph "pictured" {
  compound=true;
  node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontname="sans-serif"];
  edge [fontname="sans-serif", fontsize=10];
  "read" [label="read"];
  "route" [label="route", shape=diamond, style=filled];
  "tried" [label="tried", peripheries=2];
  "small" [label="small"];
  "joined" [label="joined"];
  "last" [label="last"];
  subgraph "cluster turns" {
    label="↻ turns, at most 2";
    style="rounded";
    "step" [label="step"];
  }
  "read" -> "route";
  "route" -> "tried" [label="many → n"];
  "route" -> "step" [label="many → n"];
  "route" -> "small" [label="few → n"];
  "route" -> "joined" [label="chooses one", style=dotted];
  "step" -> "joined" [label="one (join route: many), all (collect)"];
  "small" -> "joined" [label="one (join route: few), all (collect)"];
  "step" -> "joined" [label="iterations → count", ltail="cluster turns"];
  "joined" -> "last" [label="n"];
  "step" -> "step" [label="n", style=dashed, constraint=false];
  "tried" -> "last" [label="after", style=dotted];
}
`;

/** Strings, words and the few signs of the language, as `toDot` uses them; what is left over is none of them. */
const TOKENS = /"(?:[^"\\\n]|\\["\\])*"|[a-z]+\b|\d+|->|[{}[\];=,\s]/g;

/** Graphviz says whether it understands a text; `undefined` where it is not installed. */
function graphviz(text: string): string | undefined {
  const { error, status, stderr } = spawnSync('dot', ['-Tcanon'], { input: text, encoding: 'utf8' });
  return error === undefined ? `${status} ${stderr}` : undefined;
}

describe('toDot', () => {
  it('draws every kind of node and edge', async () => {
    const { run } = await recorded(pictured);
    expect(toDot(run.plan.workflow)).to.equal(PICTURE);
  });

  it('marks and colours nodes by what became of them in a run', async () => {
    const { run } = await recorded(pictured);
    expect(toDot(run.plan.workflow, { run }).split('\n')).to.include(
      '  "small" [label="» small", fillcolor="#f6f8fa", color="#8b949e", fontcolor="#57606a", tooltip="skipped"];',
    );
  });

  it('writes what Graphviz reads, whatever names hold', async () => {
    for (const build of [pictured, eventful, hostile]) {
      const { run } = await recorded(build);
      const text = toDot(run.plan.workflow, { run });
      expect(text.replace(TOKENS, '')).to.equal('');
      expect(text.match(/[{]/g)).to.have.length(text.match(/[}]/g)?.length ?? 0);
      expect(graphviz(text) ?? '0 ').to.equal('0 ');
    }
  });
});
