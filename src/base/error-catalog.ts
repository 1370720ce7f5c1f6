/** What a code means and what to do about it. `docs/errors.md` is compared with this table, both ways. */
export interface ErrorEntry {
  /** One sentence: what went wrong. */
  readonly meaning: string;
  /** One sentence: what to do about it. Ends every message that carries the code. */
  readonly remedy: string;
}

function entry(meaning: string, remedy: string): ErrorEntry {
  return { meaning, remedy };
}

/** Every code that Lockstep itself produces. A code, once released, keeps its meaning. */
export const errorCatalog = {
  // Building a workflow
  DUPLICATE_ID: entry('Two parts of a workflow have the same id.', 'Give each node, switch and cycle its own id.'),
  INVALID_NAME: entry(
    'A name has characters that names cannot have.',
    'Start with a letter or underscore, then use letters, digits, underscores and hyphens.',
  ),
  UNKNOWN_NODE: entry('A connection names a node that the workflow does not have.', 'Correct the id.'),
  UNKNOWN_PORT: entry('A connection names a port that the node does not have.', 'Correct the port name.'),
  SELF_CONNECTION: entry(
    'A node is connected to itself.',
    'Declare a cycle and pass the connection as its feedback if the node should see its own last output.',
  ),
  DUPLICATE_CONNECTION: entry('The same connection is made twice.', 'Remove one of the two.'),
  UNMARKED_CYCLE: entry(
    'Connections form a loop that no cycle declares.',
    'Declare it with cycle(…) and pass the connection that closes the loop as feedback.',
  ),
  CYCLE_WITHOUT_CAP: entry('A cycle has no upper limit.', 'Set maxIterations or timeoutMs, also beside until.'),
  OVERLAPPING_CYCLES: entry(
    'Two cycles share nodes and neither contains the other.',
    'Make their bodies disjoint, or declare nesting with within.',
  ),
  EMPTY_CYCLE: entry('A cycle encloses no node.', 'Feed an output back to an input from which that output is reached.'),
  INVALID_CYCLE: entry('A cycle is configured with a value it cannot use.', 'Correct the named setting.'),
  PARAMETER_IS_NODE_ID: entry('A parameter has the name of a node.', 'Rename one of the two.'),
  WRONG_PORT_TYPE: entry(
    'A literal does not fit the schema of the input it is bound to.',
    'Pass a value that the schema accepts.',
  ),
  AMBIGUOUS_FAN_IN: entry(
    'Two connections that may both be live lead into one input.',
    'Combine them with oneOf, collect or or, or declare the input variadic.',
  ),
  JOIN_NEEDS_OPTIONAL: entry(
    'A node may start without an input that its schema requires.',
    'Make the input optional, or use the join that waits for it.',
  ),
  JOIN_CASES: entry('A join does not name every case of its owner.', 'Give one source for each case.'),
  REF_IN_LITERAL: entry(
    'A reference is hidden inside a literal.',
    'Bind the reference to an input of its own and build the object inside the node.',
  ),
  FOREIGN_REF: entry('A reference belongs to another workflow.', 'Use references of the workflow you are building.'),
  INVALID_DEFINITION: entry('A node definition cannot be used.', 'Correct the named field.'),
  INVALID_SWITCH: entry('A switch is configured with something it cannot use.', 'Correct the named case.'),
  UNKNOWN_OPERATOR: entry('A case names an operator that does not exist.', 'Use one of the listed operators.'),
  ALREADY_BUILT: entry('A workflow was changed after build().', 'Make all changes before build().'),
  UNHASHABLE_LITERAL: entry(
    'A value cannot be written as canonical JSON.',
    'Use plain objects, arrays, finite numbers, strings, booleans and null, or pass it as a parameter.',
  ),
  EMPTY_WORKFLOW: entry('A workflow has no node.', 'Add at least one node.'),

  // Starting a run
  INVALID_OPTION: entry('An option has a value it cannot have.', 'Correct the named option.'),
  UNKNOWN_OPTION: entry('An option does not exist.', 'Correct its name or remove it.'),
  NOT_A_WORKFLOW: entry('What was passed is not a built workflow.', 'Pass the value that build() returned.'),
  UNKNOWN_PARAMETER: entry('A parameter was passed that nothing declares.', 'Correct its name or declare it.'),
  MISSING_PARAMETER: entry('A required parameter was not passed.', 'Pass it to execute().'),
  INVALID_PARAMETER: entry('A parameter does not fit its schema.', 'Pass a value that the schema accepts.'),
  MISSING_INPUT: entry('A required input has no value and no source.', 'Bind it, or pass a node-addressed parameter.'),
  UNMATCHED_NAME: entry('A passed name matches no input of the workflow.', 'Correct the name.'),
  CONTRACT_UNPROVED: entry(
    'Two connections into one input cannot be proved exclusive.',
    'Combine them with oneOf, collect or or.',
  ),
  CYCLES_DISABLED: entry('The workflow has a cycle and the runtime has cycles disabled.', 'Set enableCycles: true.'),
  ASYNC_NODE: entry(
    'A node is asynchronous and LocalRuntime runs synchronous nodes only.',
    'Run it in AsyncLocalRuntime, or make the node synchronous.',
  ),
  ACCESS_DENIED: entry('The access policy refused the run.', 'Ask for access, or correct the policy.'),
  SECRET_MISSING: entry('A declared secret could not be loaded.', 'Make the provider return it.'),
  SECRETS_FAILED: entry('The secret provider threw or rejected.', 'See the cause.'),
  SECRETS_ASYNC: entry(
    'A secret provider answered with a promise in LocalRuntime.',
    'Use a synchronous provider, or AsyncLocalRuntime.',
  ),
  RUNTIME_CLOSED: entry('The runtime is closed.', 'Create a new runtime, or acquire() it before it is closed.'),
  ABSTRACT_RUNTIME: entry(
    'BaseRuntime cannot be used by itself.',
    'Use LocalRuntime or AsyncLocalRuntime, or implement settle().',
  ),
  PLAN_MISMATCH: entry(
    'A history was recorded with another plan.',
    'Continue the run with the workflow it was started with.',
  ),
  CORRUPT_HISTORY: entry(
    'A history holds an event that cannot follow the ones before it.',
    'Use an unchanged history.',
  ),

  // Running nodes
  NODE_THREW: entry('A node threw.', 'See the cause.'),
  NODE_RETURNED_NOTHING: entry(
    'A node that declares outputs returned no object.',
    'Return an object with one property for each output port.',
  ),
  NODE_RETURNED_PROMISE: entry(
    'A node that was not declared async returned a promise in LocalRuntime.',
    'Declare it with async: true and run it in AsyncLocalRuntime, or return the value itself.',
  ),
  INPUT_INVALID: entry('An input does not fit its schema.', 'Correct the value or the schema.'),
  INPUT_MISSING: entry('A required input got no value.', 'Make the source produce it, or give the input a default.'),
  INPUT_CONFLICT: entry(
    'Two sources of one input are live.',
    'Combine them with collect, or declare the input variadic.',
  ),
  OUTPUT_INVALID: entry('An output does not fit its schema.', 'Correct the node or the schema.'),
  OUTPUT_MISSING: entry('An output that was required does not exist.', 'See which branch was not taken.'),
  OUTPUT_UNKNOWN: entry('A node returned a port that it does not declare.', 'Declare the port or do not return it.'),
  SCHEMA_ASYNC: entry(
    'A schema validates asynchronously.',
    'Use a schema that answers at once; validate slowly inside a node.',
  ),
  SCHEMA_THREW: entry('A schema threw instead of answering.', 'Correct the schema.'),
  STATE_INVALID: entry('A node state does not fit its schema.', 'Pass setState() a value that the schema accepts.'),
  NO_CASE_MATCHED: entry('No case of a switch matched.', 'Add a case that matches, or otherwise.'),
  OPERATOR_TYPE: entry('An operator cannot compare these values.', 'Compare values of the same kind.'),
  MERGE_MISMATCH: entry('Values cannot be merged as asked.', 'Correct the inputs or the merge options.'),
  CONTRACT_VIOLATED: entry('A value breaks the contract of its connection.', 'Correct the value or the contract.'),
  NOT_SUCCESSFUL: entry('A node reported success: false.', 'See its output, or switch contentAwareSuccess off.'),
  SECRET_UNDECLARED: entry('A node asked for a secret it did not declare.', 'Declare it in the node definition.'),
  ATTEMPT_TIMEOUT: entry('An attempt ran longer than its limit.', 'Raise timeoutMs, or make the node faster.'),
  NODE_TIMEOUT: entry('All attempts of a node together ran longer than the limit.', 'Raise totalTimeoutMs.'),
  RUN_TIMEOUT: entry('A run took longer than its limit.', 'Raise timeoutMs.'),
  NEVER_SETTLED: entry(
    'A node returned a promise that nothing can settle any more.',
    'Settle the promise, or set a time limit.',
  ),
  ATTEMPT_LOST: entry(
    'The process ended while an attempt was running.',
    'It is tried again when the run is continued.',
  ),
  LOST_TOO_OFTEN: entry(
    'Attempts of a node were lost more often than allowed.',
    'See why the process dies in it, or raise maxLost.',
  ),
  CYCLE_LIMIT: entry('A cycle reached maxIterations.', 'Raise it, or set onMaxIterations: "accept".'),
  CYCLE_TIMEOUT: entry('A cycle reached timeoutMs.', 'Raise it, or set onTimeout: "accept".'),
  CONDITION_THREW: entry('A condition of a cycle threw.', 'See the cause.'),
  STRATEGY_THREW: entry('A retry predicate threw.', 'See the cause.'),
  WOULD_DEADLOCK: entry(
    'A run waits for something that nothing can bring.',
    'See what keeps its next node from starting: a hook that never admits it.',
  ),
  UNDECIDED: entry('No mixin decides what should happen here.', 'Use a runtime with the mixin that owns the hook.'),

  // Outcomes of a run
  RUN_FAILED: entry('A run failed.', 'See the primary failure.'),
  RUN_CANCELLED: entry('A run was cancelled.', 'See what had completed and where it stopped.'),
  NOT_COMPLETED: entry('A result was unwrapped that is not complete.', 'Check status before unwrap().'),
  ILLEGAL_TRANSITION: entry(
    'A state machine was asked for a step it does not have.',
    'This is a defect; please report it.',
  ),

  // Plugins
  PLUGIN_DUPLICATE: entry('Two plugins have the same name, or provide the same token.', 'Remove one of the two.'),
  PLUGIN_MISSING: entry('A token that a plugin requires is provided by none.', 'Add the plugin that provides it.'),
  PLUGIN_CYCLE: entry('Plugins require each other in a circle.', 'Split one of them.'),
  PLUGIN_ASYNC: entry('An asynchronous plugin was given to LocalRuntime.', 'Use AsyncLocalRuntime.'),
  PLUGIN_FAILED: entry('A plugin failed to start or stop.', 'See the cause.'),
  TOKEN_UNPROVIDED: entry('Nothing provides the token that was asked for.', 'Add a plugin that provides it.'),
  INVALID_PLUGIN: entry('What was passed is not a plugin.', 'Make it with definePlugin().'),
} as const satisfies Record<string, ErrorEntry>;

/** A code from the catalogue. */
export type ErrorCode = keyof typeof errorCatalog;
