import { ConfigurationError } from '../../base/errors.js';
import type { ExecutorReference, ExecutorTarget } from '../../base/executor-port.js';
import type { InputValues, NodeDefinition, PortSchemas, PortValues } from '../../base/node.js';
import { executorNode, type NodeElsewhereConfig } from '../../base/node-elsewhere.js';
import type { StandardSchema } from '../../base/standard-schema.js';
import { PYTHON_DEFAULTS } from './configuration.js';

/** The kind of executor that performs Python nodes: the first part of the keys of limits and breakers, as in `python.score`. */
export const PYTHON = 'python';

/** What the definition of a Python node says. */
export interface PythonNodeConfig<I extends PortSchemas, O extends PortSchemas, S extends StandardSchema>
  extends Omit<NodeElsewhereConfig<I, O, S>, 'name'> {
  /** Default: the name of the function. */
  readonly name?: string;
  /** The module that holds the function, as Python imports it: `models.score`. Workers look for it in their `paths`. */
  readonly module: string;
  /** The name of a function that `@tool` declares there. */
  readonly function: string;
  /** The name of the `pythonWorkers()` that perform it. Default: `default`. */
  readonly workers?: string;
}

/** Which function a Python node calls, and how what it returns becomes outputs. Plain data: it is the target of an executor. */
export interface PythonTarget extends ExecutorTarget {
  readonly module: string;
  readonly function: string;
  /** `value`: what it returns is the output `value`, whatever it is. `ports`: a dict with an entry for each output. */
  readonly returns: 'value' | 'ports';
  /** The secrets that the node declares, by name. */
  readonly secrets: readonly string[];
}

const FIELDS = ['module', 'function', 'workers'];
const NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/**
 * Defines a node whose function is a Python tool: `pythonNode({ module: 'models.score', function: 'score', inputs, outputs })`. A
 * runtime with `pythonWorkers()` performs it, in a process of Python: AsyncLocalRuntime waits for the answer, LocalRuntime starts all
 * Python nodes that may start and sleeps until one answers.
 *
 * The function is given the inputs by name. If `value` is the only output, it is what the function returns; otherwise the
 * function returns a dict with an entry for each output. What a generator yields is streamed to listeners (`context.emit`), what it
 * returns is the output. Values cross as python/BRIDGE.md says: null stays null, integers stay integers, typed arrays are arrays
 * of numpy; what cannot cross fails the attempt with VALUE_NOT_ENCODABLE and its path. What the function raises is a PythonError.
 *
 * Identity is the name and the version; without one, the names of module and function, marked as unversioned: the text of the
 * module is not looked at.
 *
 * @throws ConfigurationError INVALID_DEFINITION, UNKNOWN_OPTION, and what `defineNode` throws
 */
export function pythonNode<
  // biome-ignore lint/complexity/noBannedTypes: no ports is the default
  const I extends PortSchemas = {},
  const O extends PortSchemas = PortSchemas,
  S extends StandardSchema = StandardSchema<undefined>,
>(config: PythonNodeConfig<I, O, S>): NodeDefinition<InputValues<I>, PortValues<O>> {
  const { module, function: called, workers = PYTHON_DEFAULTS.name, name = called } = config ?? {};
  const at = `Python node ${typeof name === 'string' ? `"${name}"` : ''}`.trim();
  if (typeof module !== 'string' || !module.split('.').every((part) => NAME.test(part)))
    refuse(`${at} needs a module as Python imports it, such as "models.score"`, `${at}.module`, module);
  if (typeof called !== 'string' || !NAME.test(called))
    refuse(`${at} needs the name of a function`, `${at}.function`, called);
  if (typeof workers !== 'string' || workers === '') refuse(`${at} names no workers`, `${at}.workers`, workers);
  const outputs = Object.keys(config.outputs ?? {});
  const target: PythonTarget = {
    module,
    function: called,
    returns: outputs.length === 1 && outputs[0] === 'value' ? 'value' : 'ports',
    secrets: Object.freeze([...(config.secrets ?? [])]),
  };
  const executor: ExecutorReference = {
    kind: PYTHON,
    name: workers,
    target,
    providedBy:
      workers === PYTHON_DEFAULTS.name
        ? 'pythonWorkers() of lockstep/python'
        : `pythonWorkers({ name: "${workers}" }) of lockstep/python`,
  };
  return executorNode({ ...config, name } as unknown as NodeElsewhereConfig<I, O, S>, {
    what: 'Python node',
    own: FIELDS,
    executor,
    sourceText: `python ${module}#${called}`,
  });
}

function refuse(message: string, at: string, value: unknown): never {
  throw new ConfigurationError('INVALID_DEFINITION', `${message}.`, { at, value });
}
