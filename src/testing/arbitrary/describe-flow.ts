import type { FlowCycle, FlowFailure, FlowInput, FlowNode, FlowRetry, FlowSource, FlowSpec } from './flow.js';

const INDENT = '  ';

const FAILS: Readonly<Record<FlowFailure['how'], string>> = {
  throws: 'throws an error',
  code: 'throws an error with the code SCRIPTED',
  nonError: 'throws a string',
  nothing: 'returns nothing',
  unknownPort: 'returns a port that it does not have',
};

function sourceText(source: FlowSource): string {
  switch (source.kind) {
    case 'output':
      return `${source.node}.${source.port}${source.path === 'whole' ? '' : `.${source.path}`}`;
    case 'parameter':
      return `$${source.name.replace(/^\$/, '')}${source.path === undefined ? '' : `.${source.path}`}`;
    case 'required':
      return `required(${sourceText(source.of)})`;
    case 'oneOf':
    case 'collect':
      return `${source.kind}(${source.of.map(sourceText).join(', ')})`;
    case 'or':
      return [...source.of.map(sourceText), ...(source.literal ? ['7'] : [])].join(' or ');
    case 'join': {
      const cases = Object.entries(source.cases).map(([name, of]) => `${name}: ${sourceText(of)}`);
      return `${source.owner}.join(${cases.join(', ')})`;
    }
  }
}

function inputText(port: string, { from, config, optional, wired }: FlowInput): string {
  const values = [...from.map(sourceText), ...(config === undefined ? [] : [JSON.stringify(config)])];
  const mark = wired ? ' (connected)' : '';
  return `${port}${optional ? '?' : ''} = ${values.length === 0 ? 'nothing' : values.join(' and ')}${mark}`;
}

function failureText({ visit, times, how, sometimes }: FlowFailure): string {
  const when = visit === 0 ? 'in every visit' : `in visit ${visit}`;
  return `${FAILS[how]} ${when}, ${times} times${sometimes ? ', for some inputs' : ''}`;
}

function retryText({ attempts, delayMs, backoff, jitter, dontRetryCode }: FlowRetry): string {
  const wait = delayMs === 0 ? '' : ` after ${delayMs} ms (${backoff}${jitter === 0 ? '' : `, jitter ${jitter}`})`;
  return `${attempts} attempts${wait}${dontRetryCode ? ', not for SCRIPTED' : ''}`;
}

function kindText({ kind, cases = [], otherwise, gives, allowed, map, gate }: FlowNode): string {
  switch (kind) {
    case 'task':
    case 'try':
      return `${kind}, gives ${gives}`;
    case 'first':
    case 'all':
    case 'partition': {
      const names = cases.map((name, place) => (otherwise && place === cases.length - 1 ? `otherwise ${name}` : name));
      return `${kind === 'partition' ? kind : `switch (${kind})`}, cases ${names.join(', ')}`;
    }
    case 'subworkflow':
      return allowed ? 'subworkflow that may fail' : kind;
    case 'map': {
      const limit = map?.maxConcurrency === undefined ? '' : `, ${map.maxConcurrency} at once`;
      return `map${limit}${map?.onItemError === 'collect' ? ', collects failures' : ''}`;
    }
    case 'gate': {
      const limit = gate?.timeoutMs === undefined ? '' : `, times out after ${gate.timeoutMs} ms`;
      return `gate: ${(gate?.answers ?? []).join(', ')}${limit}`;
    }
  }
}

function nodeLines(node: FlowNode): readonly string[] {
  const { id, form, join, after, retry, failures, takesMs, timeoutMs, totalTimeoutMs } = node;
  const words = [
    kindText(node),
    ...(form === 'inline' ? [] : [form]),
    ...(join === 'required' ? [] : [`join ${join}`]),
    ...(after.length === 0 ? [] : [`after ${after.join(', ')}`]),
    ...(retry === undefined ? [] : [retryText(retry)]),
    ...(takesMs === undefined ? [] : [`takes ${takesMs} ms`]),
    ...(timeoutMs === undefined ? [] : [`${timeoutMs} ms an attempt`]),
    ...(totalTimeoutMs === undefined ? [] : [`${totalTimeoutMs} ms in all`]),
  ];
  const inner = [
    ...Object.entries(node.inputs).map(([port, input]) => inputText(port, input)),
    ...failures.map(failureText),
    ...(node.child === undefined ? [] : graphLines(node.child)),
    ...(node.map === undefined ? [] : nodeLines(node.map.body)),
  ];
  return [`${id}: ${words.join('; ')}`, ...inner.map((line) => `${INDENT}${line}`)];
}

function cycleLine(cycle: FlowCycle): string {
  const { id, feedback, until, maxIterations, onMaxIterations, timeoutMs, onTimeout, keepHistory, within } = cycle;
  const back = feedback.map(({ from, node, port }) => `${sourceText(from)} to ${node}.${port}`);
  const words = [
    `cycle from ${back.join(', ')}`,
    ...(until === undefined ? [] : [`until ${sourceText(until.of)} >= ${until.least}`]),
    `at most ${maxIterations} iterations${onMaxIterations === 'fail' ? ' or it fails' : ''}`,
    ...(timeoutMs === undefined ? [] : [`at most ${timeoutMs} ms${onTimeout === 'fail' ? ' or it fails' : ''}`]),
    ...(keepHistory === 100 ? [] : [`keeps ${keepHistory} metrics`]),
    ...(within === undefined ? [] : [`within ${within}`]),
  ];
  return `${id}: ${words.join('; ')}`;
}

function graphLines({ nodes, cycles, outputs }: FlowSpec): readonly string[] {
  return [
    ...nodes.flatMap(nodeLines),
    ...cycles.map(cycleLine),
    ...Object.entries(outputs).map(([name, source]) => `output ${name} = ${sourceText(source)}`),
  ];
}

/** A workflow as text: a line for each node, input, cycle and output; what runs inside a node stands below it, indented. */
export function describeFlow(spec: FlowSpec): string {
  const { how, values } = spec.parameters;
  const given = Object.entries(values).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const params = given.length === 0 ? '' : ` with ${given.join(', ')}${how === 'broadcast' ? ' (undeclared)' : ''}`;
  const set = Object.entries(spec.set).flatMap(([node, ports]) =>
    Object.entries(ports).map(([port, value]) => `set ${node}.${port} to ${JSON.stringify(value)}`),
  );
  return [`workflow${params}`, ...[...set, ...graphLines(spec)].map((line) => `${INDENT}${line}`)].join('\n');
}
