/** What a node has come to. */
interface Entry {
  attempts: number;
  status: string;
  output: unknown;
}

interface Data {
  readonly node?: string;
  readonly output?: unknown;
}

/** The bare limit of a replay: parses each text, and keeps of each node its status, its attempts and its output. */
export function parseAndFold(texts: readonly string[]): ReadonlyMap<string, Entry> {
  const nodes = new Map<string, Entry>();
  for (const text of texts) {
    const { node, output } = JSON.parse(text) as Data;
    if (node === undefined) continue; // the run as a whole, or a cycle
    const known = nodes.get(node);
    if (known === undefined) nodes.set(node, { attempts: 1, status: 'running', output: undefined });
    else if (output === undefined) {
      known.attempts++;
      known.status = 'running';
    } else {
      known.status = 'completed';
      known.output = output;
    }
  }
  return nodes;
}
