import type { ValidationLevel } from '../../base/capability-options.js';
import { didYouMean } from '../../base/did-you-mean.js';
import { ConfigurationError, type LockstepError } from '../../base/errors.js';
import type { ParameterSource, Plan, PlanNode } from '../../base/plan.js';
import type { NodeParameter } from '../../base/ref.js';
import type { BoundParameters, RunRequest } from '../../base/run-request.js';
import type { RunOptions } from '../../base/runtime-options.js';
import { ask, formatIssues } from '../../base/schema.js';
import { readPath } from '../../base/source-path.js';
import type { Warning } from '../../base/warning.js';
import { own } from './own.js';

/** Parameters as the caller passed them, taken apart. */
export interface ParameterFormats {
  /** For the workflow as a whole. */
  readonly workflow: Readonly<Record<string, unknown>>;
  /** For single nodes: `{ nodeId: { input: value } }`. */
  readonly nodes: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether a parameter addresses a node: its name is a node id (parameters never have one) and its value an object. */
export function addressesNode(plan: Plan, name: string, value: unknown): boolean {
  return plan.nodeIndex.has(name) && isPlainObject(value);
}

/** Takes parameters for the workflow and parameters for single nodes apart. */
export function separate(plan: Plan, parameters: Readonly<Record<string, unknown>>): ParameterFormats {
  const entries = Object.entries(parameters);
  const nodes = entries.filter((entry): entry is [string, Readonly<Record<string, unknown>>] =>
    addressesNode(plan, ...entry),
  );
  const workflow = nodes.length === 0 ? entries : entries.filter((entry) => !addressesNode(plan, ...entry));
  return { workflow: Object.fromEntries(workflow), nodes: Object.fromEntries(nodes) };
}

interface NeedyInput {
  readonly node: PlanNode;
  readonly port: string;
  readonly parameter: ParameterSource | undefined;
}

/** What is the same for every run of a plan. */
interface PlanNames {
  /** Inputs that need a value from outside: required, with no source but a parameter, or feedback, which brings no first value. */
  readonly needy: readonly NeedyInput[];
  /** The same inside children, without those that a parameter feeds: what that brings is known when they begin. */
  readonly unboundInside: readonly string[];
  /** Names of inputs to which a parameter can be broadcast. */
  readonly inputs: ReadonlySet<string>;
}

const names = new WeakMap<Plan, PlanNames>();

function namesOf(plan: Plan): PlanNames {
  let known = names.get(plan);
  if (known === undefined) {
    const needy: NeedyInput[] = [];
    const inputs = new Set<string>();
    for (const node of plan.nodes) {
      for (const input of node.inputs) {
        if (input.broadcast) inputs.add(input.port.name);
        const { port, parameter } = input;
        if (!port.optional && !input.configured && input.connection === undefined)
          needy.push({ node, port: port.name, parameter });
      }
    }
    known = { needy, inputs, unboundInside: plan.nodes.flatMap(unboundInside) };
    names.set(plan, known);
  }
  return known;
}

function unboundInside(owner: PlanNode): string[] {
  const { child } = owner;
  if (child === undefined) return [];
  const own = namesOf(child).needy.flatMap(({ node, port, parameter }) =>
    parameter === undefined ? [`${node.id}.${port}`] : [],
  );
  return [...own, ...namesOf(child).unboundInside].map((at) => `${owner.id}/${at}`);
}

function inputMissing(at: string): ConfigurationError {
  return new ConfigurationError('INPUT_MISSING', `Input "${at}" is required and nothing gives it a value.`, { at });
}

class Matcher {
  readonly problems: LockstepError[] = [];
  readonly warnings: Warning[] = [];
  readonly #plan: Plan;
  readonly #level: ValidationLevel;
  #set: Map<number, Map<string, unknown>> | undefined;

  constructor(plan: Plan, level: ValidationLevel) {
    this.#plan = plan;
    this.#level = level;
  }

  match({ parameters, options }: RunRequest): BoundParameters {
    const { workflow, nodes } = separate(this.#plan, parameters);
    const bound = this.#plan.broadcasts ? this.#broadcast(workflow) : this.#declared(workflow);
    for (const node in nodes) this.#address(node, nodes[node] as Readonly<Record<string, unknown>>);
    if (options.set !== undefined) this.#setOptions(options.set);
    this.#need(bound);
    return { parameters: bound, set: this.#set, problems: this.problems, warnings: this.warnings };
  }

  /** Required inputs that nothing gives a value. A parameter that is a problem of its own is not reported again. */
  #need(bound: Readonly<Record<string, unknown>>): void {
    for (const at of namesOf(this.#plan).unboundInside) this.problems.push(inputMissing(at));
    for (const { node, port, parameter } of namesOf(this.#plan).needy) {
      if (this.#set?.get(node.index)?.has(port)) continue;
      if (
        parameter !== undefined &&
        (!Object.hasOwn(bound, parameter.name) || readPath(bound[parameter.name], parameter.path) !== undefined)
      )
        continue;
      if (this.#plan.broadcasts && own(bound, port) !== undefined) continue;
      const at = `${node.id}.${port}`;
      this.problems.push(inputMissing(at));
    }
  }

  #declared(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const { parameters } = this.#plan.workflow.bindings;
    const bound: Record<string, unknown> = {};
    for (const name of Object.keys(given)) {
      if (parameters.has(name)) continue;
      const what = `Workflow "${this.#plan.workflow.name}" has no parameter "${name}". ${didYouMean(name, [...parameters.keys()])}`;
      this.problems.push(new ConfigurationError('UNKNOWN_PARAMETER', what, { at: name, value: given[name] }));
    }
    for (const [name, { schema, optional, unchecked }] of parameters) {
      const value = own(given, name);
      if (value === undefined && !optional) {
        this.problems.push(
          new ConfigurationError('MISSING_PARAMETER', `Parameter "${name}" is required.`, { at: name }),
        );
      } else if (unchecked) bound[name] = value;
      else this.#checkParameter(name, schema, value, bound);
    }
    return bound;
  }

  #checkParameter(
    name: string,
    schema: Parameters<typeof ask>[0],
    value: unknown,
    bound: Record<string, unknown>,
  ): void {
    try {
      const answer = ask(schema, value, `parameter ${name}`);
      if (answer.issues === undefined) bound[name] = answer.value;
      else
        this.problems.push(
          new ConfigurationError(
            'INVALID_PARAMETER',
            `Parameter "${name}" does not fit: ${formatIssues(answer.issues)}.`,
            { at: name, value },
          ),
        );
    } catch (error) {
      this.problems.push(error as LockstepError);
    }
  }

  #broadcast(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    for (const name of Object.keys(given)) {
      const { inputs } = namesOf(this.#plan);
      if (inputs.has(name) || this.#level === 'off') continue;
      const message = `Parameter "${name}" matches no input of workflow "${this.#plan.workflow.name}". ${didYouMean(name, [...inputs])}`;
      if (this.#level === 'strict')
        this.problems.push(new ConfigurationError('UNMATCHED_NAME', message, { at: name, value: given[name] }));
      else this.warnings.push({ code: 'unmatched-name', message, at: name });
    }
    return given;
  }

  #setOptions(set: NonNullable<RunOptions['set']>): void {
    if (Array.isArray(set)) {
      for (const entry of set as readonly Partial<NodeParameter>[]) {
        if (typeof entry?.node === 'string' && typeof entry.port === 'string')
          this.#address(entry.node, { [entry.port]: entry.value });
        else this.#refuseSet('set', entry);
      }
    } else if (!isPlainObject(set)) this.#refuseSet('set', set);
    else
      for (const [node, values] of Object.entries(set))
        isPlainObject(values) ? this.#address(node, values) : this.#refuseSet(`set.${node}`, values);
  }

  #refuseSet(at: string, value: unknown): void {
    const what = `${at} must be a list such as [tidy.in.limit.is(50)], or an object such as { tidy: { limit: 50 } }.`;
    this.problems.push(new ConfigurationError('INVALID_OPTION', what, { at, value }));
  }

  #address(id: string, values: Readonly<Record<string, unknown>>): void {
    const index = this.#plan.nodeIndex.get(id);
    if (index === undefined) {
      this.problems.push(
        new ConfigurationError(
          'UNKNOWN_NODE',
          `A parameter is addressed to node "${id}". ${didYouMean(id, [...this.#plan.nodeIndex.keys()])}`,
          { at: id },
        ),
      );
      return;
    }
    const known = (this.#plan.nodes[index] as PlanNode).inputs.map((input) => input.port.name);
    for (const [port, value] of Object.entries(values)) {
      const at = `${id}.${port}`;
      if (!known.includes(port))
        this.problems.push(
          new ConfigurationError('UNKNOWN_PORT', `A parameter is addressed to "${at}". ${didYouMean(port, known)}`, {
            at,
          }),
        );
      else if (value !== undefined) this.#put(index, port, value);
    }
  }

  #put(index: number, port: string, value: unknown): void {
    this.#set ??= new Map();
    const ports = this.#set.get(index);
    if (ports === undefined) this.#set.set(index, new Map([[port, value]]));
    else ports.set(port, value);
  }
}

/** Matches what the caller passed with what the workflow declares, and finds inputs that would stay without a value. */
export function matchParameters(request: RunRequest, level: ValidationLevel): BoundParameters {
  return new Matcher(request.plan, level).match(request);
}
