import type { NodeImplementation } from './node.js';
import { checkSoftLimit, type NodeCapabilities, retryData, type Subject, type UseOptions } from './node-options.js';
import type { NodeData } from './workflow-data.js';

/**
 * The capabilities of a node where it is used: those of its definition, replaced one at a time.
 *
 * @throws ConfigurationError INVALID_OPTION when a limit of one does not go with a limit of the other
 */
export function capabilitiesOf(id: string, definition: NodeCapabilities, use: UseOptions): NodeCapabilities {
  const capabilities: NodeCapabilities = { ...definition, ...use };
  checkSoftLimit(capabilities, `node "${id}"`);
  return capabilities;
}

/** A node as data. */
export function nodeData(
  id: string,
  implementation: NodeImplementation,
  config: Readonly<Record<string, unknown>>,
  use: UseOptions,
  { retry, timeoutMs, softTimeoutMs, totalTimeoutMs }: NodeCapabilities,
  failure: 'fails the run' | 'is allowed',
): NodeData {
  const after = use.after === undefined ? [] : ([use.after].flat() as Subject[]);
  return Object.freeze({
    id,
    kind: implementation.kind,
    use: implementation.identity,
    config: Object.freeze(config),
    join: use.join ?? 'required',
    after: Object.freeze(after.map((subject) => (typeof subject === 'string' ? subject : subject.id))),
    allowFailure: failure === 'is allowed',
    ...(retry === undefined ? {} : { retry: retryData(retry) }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(softTimeoutMs === undefined ? {} : { softTimeoutMs }),
    ...(totalTimeoutMs === undefined ? {} : { totalTimeoutMs }),
    ...(implementation.switch === undefined ? {} : { switch: implementation.switch }),
    ...(implementation.map === undefined ? {} : { map: implementation.map }),
    ...(implementation.gate === undefined ? {} : { gate: { timeoutMs: implementation.gate.timeoutMs ?? null } }),
    ...(implementation.child === undefined ? {} : { child: implementation.child.data }),
  });
}
