import type { NodeImplementation } from './node.js';
import {
  checkSoftLimit,
  frozenCapabilities,
  type NodeCapabilities,
  retryData,
  type Subject,
  type UseOptions,
} from './node-options.js';
import { refuse } from './option-checks.js';
import type { NodeData } from './workflow-data.js';

/** What needs somebody who performs the attempts: the machine performs switches, maps, subworkflows and gates itself. */
const NEED_AN_EXECUTOR = ['limit', 'breaker', 'cache'] as const;

/**
 * The capabilities of a node where it is used: those of its definition, replaced one at a time. Nobody can change them.
 *
 * @throws ConfigurationError INVALID_OPTION when a limit of one does not go with a limit of the other, or a capability with the node
 */
export function capabilitiesOf(id: string, implementation: NodeImplementation, use: UseOptions): NodeCapabilities {
  const capabilities: NodeCapabilities = { ...implementation.capabilities, ...frozenCapabilities(use) };
  const at = `node "${id}"`;
  checkSoftLimit(capabilities, at);
  for (const name of NEED_AN_EXECUTOR)
    if (capabilities[name] !== undefined && implementation.kind !== 'function')
      refuse(
        `${at}.${name}`,
        `does not go with a ${implementation.kind}: it is for nodes that call a function`,
        use[name],
      );
  const { state, secrets } = implementation;
  if (capabilities.cache !== undefined && (state !== undefined || secrets.length > 0))
    refuse(
      `${at}.cache`,
      `does not go with ${state === undefined ? 'secrets' : 'state'}: its outputs depend on more than its inputs`,
      capabilities.cache,
    );
  return capabilities;
}

/** A node as data. */
export function nodeData(
  id: string,
  implementation: NodeImplementation,
  config: Readonly<Record<string, unknown>>,
  use: UseOptions,
  capabilities: NodeCapabilities,
  failure: 'fails the run' | 'is allowed',
): NodeData {
  const { retry, ...own } = capabilities;
  const after = use.after === undefined ? [] : ([use.after].flat() as Subject[]);
  return Object.freeze({
    id,
    kind: implementation.kind,
    use: implementation.identity,
    config: Object.freeze(config),
    join: use.join ?? 'required',
    after: Object.freeze(after.map((subject) => (typeof subject === 'string' ? subject : subject.id))),
    allowFailure: failure === 'is allowed',
    ...own,
    ...(retry === undefined ? {} : { retry: retryData(retry) }),
    ...(implementation.switch === undefined ? {} : { switch: implementation.switch }),
    ...(implementation.map === undefined ? {} : { map: implementation.map }),
    ...(implementation.gate === undefined ? {} : { gate: { timeoutMs: implementation.gate.timeoutMs ?? null } }),
    ...(implementation.child === undefined ? {} : { child: implementation.child.data }),
  });
}
