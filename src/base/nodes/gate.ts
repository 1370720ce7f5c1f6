import { ConfigurationError } from '../errors.js';
import { implementationOf, type NodeImplementation } from '../node.js';
import { checkDuration, knownFields } from '../option-checks.js';
import { isBindings } from '../ref.js';
import { isSchema } from '../schema.js';
import type { StandardSchema } from '../standard-schema.js';
import { builtInPort, performedByTheMachine } from './subworkflow.js';

/** What a gate shows and waits for. */
export interface GateOptions<S, A extends StandardSchema> {
  /** What whoever answers is shown, by name: references or literals. Default: nothing. */
  readonly shows?: S;
  /** Schema of the answer that comes with an approval. Default: any value, `null` where none is given. */
  readonly answer?: A;
  /** Milliseconds after which it times out, on the wall clock, also while no process runs. Finite, > 0. Default: never. */
  readonly timeoutMs?: number;
}

/** What the port `rejected` of a gate carries. */
export interface GateRejection {
  readonly reason: string | null;
  readonly by: string | null;
}

/** What the port `timedOut` of a gate carries. */
export interface GateExpiry {
  /** Epoch milliseconds. */
  readonly at: number;
}

const FIELDS = ['shows', 'answer', 'timeoutMs'];

/** The ways a gate can go: the last one only with a time limit. */
export function waysOf(timeoutMs: number | undefined): readonly string[] {
  return timeoutMs === undefined ? ['approved', 'rejected'] : ['approved', 'rejected', 'timedOut'];
}

/** Checks the options of a gate. @throws ConfigurationError INVALID_DEFINITION, INVALID_OPTION, UNKNOWN_OPTION */
export function checkGate(id: string, options: GateOptions<unknown, StandardSchema>): void {
  const at = `gate "${id}"`;
  knownFields(options, FIELDS, at);
  checkDuration(options.timeoutMs, `${at}.timeoutMs`);
  const { shows = {}, answer } = options;
  if (!isBindings(shows))
    throw new ConfigurationError('INVALID_DEFINITION', `The ${at} takes what it shows as an object, by name.`, {
      at: id,
      value: shows,
    });
  if (answer !== undefined && !isSchema(answer))
    throw new ConfigurationError('INVALID_DEFINITION', `The answer of ${at} has no Standard Schema.`, {
      at: id,
      value: answer,
    });
}

/** A node that waits for an answer from outside. Its inputs are what it shows, its outputs the ways it can go. */
export function gateOf(options: GateOptions<Readonly<Record<string, unknown>>, StandardSchema>): NodeImplementation {
  const { shows = {}, answer, timeoutMs } = options;
  return implementationOf({
    name: 'lockstep.gate',
    version: '1',
    kind: 'gate',
    delivers: 'one',
    gate: { answer, timeoutMs },
    run: performedByTheMachine,
    inputs: Object.keys(shows).map((name) => builtInPort(name, { optional: true })),
    outputs: waysOf(timeoutMs).map((name) => builtInPort(name)),
    sourceText: '',
    async: false,
  });
}
