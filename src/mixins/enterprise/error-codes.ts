/** Verdicts on what goes into a node: trying again cannot change them, and they say nothing about the executor. */
const INPUT_VERDICTS = [
  'INPUT_INVALID',
  'INPUT_MISSING',
  'INPUT_CONFLICT',
  'OUTPUT_MISSING',
  'NOT_A_LIST',
  'CONTRACT_VIOLATED',
  'SCHEMA_ASYNC',
  'SCHEMA_THREW',
] as const;

/** Codes that no policy retries: trying again cannot change them. */
export const NEVER_RETRIED: ReadonlySet<string> = new Set([
  ...INPUT_VERDICTS,
  'BREAKER_OPEN',
  'WOULD_DEADLOCK',
  'NODE_RETURNED_PROMISE',
  'NODE_TIMEOUT',
  'NEVER_SETTLED',
  'SECRET_UNDECLARED',
  'STATE_UNDECLARED',
  'EXECUTOR_MISSING',
  'MODULE_FAILED',
  'EXPORT_MISSING',
  'EXPORT_NOT_FUNCTION',
  'VALUE_NOT_CLONEABLE',
  'VALUE_NOT_STORABLE',
  'SECRET_IN_OUTPUT',
  'VALUE_NOT_ENCODABLE',
  'PAYLOAD_TOO_LARGE',
  'PYTHON_IMPORT_FAILED',
  'PYTHON_MODULE_MISSING',
  'TOOL_UNDECLARED',
  'TOOL_STREAMS',
  'PYTHON_ARGUMENTS',
]);

/**
 * Codes that are retried only where `retryOn` names them: of outputs that do not fit, as for a model that answers differently each
 * time, and of calls that may have taken effect.
 */
export const RETRIED_WHEN_NAMED: ReadonlySet<string> = new Set([
  'OUTPUT_INVALID',
  'OUTPUT_UNKNOWN',
  'NODE_RETURNED_NOTHING',
  'STATE_INVALID',
  'EFFECT_UNKNOWN',
]);

const VERDICTS: ReadonlySet<string> = new Set(INPUT_VERDICTS);

/** Whether an attempt failed for its inputs, before its executor was called: a breaker does not count it. */
export function isVerdictOnInputs(code: string | undefined): boolean {
  return code !== undefined && VERDICTS.has(code);
}
