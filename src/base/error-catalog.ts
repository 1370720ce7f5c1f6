import { commandErrors } from './command-error-catalog.js';
import { type ErrorEntry, entry } from './error-entry.js';
import { workerErrors } from './worker-error-catalog.js';

/** Every code that Lockstep itself produces. A code, once released, keeps its meaning. */
export const errorCatalog = {
  // Building a workflow
  DUPLICATE_ID: entry('Two parts of a workflow have the same id.', 'Give each node, switch and cycle its own id.'),
  INVALID_NAME: entry(
    'A name has characters that names cannot have.',
    'Start with a letter or underscore, then use letters, digits, underscores and hyphens.',
  ),
  UNKNOWN_STRATEGY: entry(
    'A retry names a strategy that is not registered with the runtime.',
    'Correct the name, or register it with registerRetryStrategy().',
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
  SOURCE_TOO_DEEP: entry(
    'An expression over sources is nested too deeply.',
    'Combine many sources with one oneOf or collect, or put a node in between.',
  ),
  INVALID_DEFINITION: entry('A node definition cannot be used.', 'Correct the named field.'),
  INVALID_SWITCH: entry('A switch is configured with something it cannot use.', 'Correct the named case.'),
  UNKNOWN_OPERATOR: entry('A case names an operator that does not exist.', 'Use one of the listed operators.'),
  ALREADY_BUILT: entry('A workflow was changed after build().', 'Make all changes before build().'),
  UNHASHABLE_LITERAL: entry(
    'A literal holds code or something else that is no data, or a value that has to be JSON is none.',
    'Use plain objects, arrays, finite numbers, strings, booleans and null, or pass it as a parameter.',
  ),
  EMPTY_WORKFLOW: entry('A workflow has no node.', 'Add at least one node.'),

  // Data forms
  DUPLICATE_DEFINITION: entry('Two things are registered under one name.', 'Give each its own name or version.'),
  UNKNOWN_DEFINITION: entry('A name is used that nothing is registered under.', 'Correct it or register the thing.'),
  NOT_REGISTERED: entry(
    'A part of a workflow is code that a data form cannot name.',
    'Define it with a name, register it, or write it as data or CEL.',
  ),
  RECURSIVE_WORKFLOW: entry(
    'A workflow of a document runs itself.',
    'Take out one of the named steps: a repetition is a cycle or a map.',
  ),
  INVALID_DOCUMENT: entry('A document holds something that does not belong there.', 'Correct it at the named place.'),
  UNKNOWN_KEY: entry('A document has a key that means nothing there.', 'Correct or remove it.'),
  INVALID_YAML: entry('A text is not valid YAML.', 'Correct it at the named line.'),
  INVALID_CEL: entry('A CEL expression cannot be used.', 'Correct the expression.'),
  CEL_FAILED: entry('A CEL expression failed.', 'Make it fit the values that it is given.'),

  // Starting a run
  INVALID_OPTION: entry('An option has a value it cannot have.', 'Correct the named option.'),
  UNKNOWN_OPTION: entry('An option does not exist.', 'Correct its name or remove it.'),
  NOT_A_WORKFLOW: entry('What was passed is not a built workflow.', 'Pass the value that build() returned.'),
  NOT_A_RUN: entry(
    'What was passed is not the result of a run.',
    'Pass what execute() returned, and await it first in AsyncLocalRuntime.',
  ),
  UNKNOWN_PARAMETER: entry('A parameter was passed that nothing declares.', 'Correct its name or declare it.'),
  MISSING_PARAMETER: entry('A required parameter was not passed.', 'Pass it to execute().'),
  INVALID_PARAMETER: entry('A parameter does not fit its schema.', 'Pass a value that the schema accepts.'),
  UNMATCHED_NAME: entry('A passed name matches no input of the workflow.', 'Correct the name.'),
  CONTRACT_UNPROVED: entry(
    'Two connections into one input cannot be proved exclusive.',
    'Combine them with oneOf, collect or or.',
  ),
  CYCLES_DISABLED: entry('The workflow has a cycle and the runtime has cycles disabled.', 'Set enableCycles: true.'),
  ASYNC_NODE: entry(
    'A node is asynchronous and LocalRuntime runs synchronous nodes only.',
    'Run it in AsyncLocalRuntime, make it synchronous, or define it with moduleNode().',
  ),
  EXECUTOR_MISSING: entry(
    'A node is performed by an executor that nothing provides.',
    'Add the named plugin to the runtime; in a test, give the node a stub.',
  ),
  EXECUTOR_NEEDS_LANES: entry(
    'LocalRuntime has no thread in which the executor of a node could work.',
    'Run it in AsyncLocalRuntime, or pass no bridge, or one that serves executors.',
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
  INPUT_MISSING: entry(
    'A required input has no value.',
    'Bind it, make its source produce a value, or give it a default.',
  ),
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
  STATE_UNDECLARED: entry('A node without a state set one.', 'Declare the state in the node definition.'),
  NO_CASE_MATCHED: entry('No case of a switch matched.', 'Add a case that matches, or otherwise.'),
  OPERATOR_TYPE: entry('An operator cannot compare these values.', 'Compare values of the same kind.'),
  MERGE_MISMATCH: entry('Values cannot be merged as asked.', 'Correct the inputs or the merge options.'),
  RUN_UNKNOWN: entry(
    'A run is not known here, or does not wait.',
    'Check the id; without a store, only runs that wait are remembered.',
  ),
  RUN_EXISTS: entry('A run of this id exists already.', 'Resume it, or choose another runId.'),
  GATE_NOT_OPEN: entry('A gate that does not wait was answered.', 'See gates(runId) for those that do.'),
  GATE_ANSWER_INVALID: entry(
    'An answer does not fit the schema of its gate.',
    'Answer with a value that the schema accepts.',
  ),
  NOT_A_LIST: entry(
    'A map was given something that is not an array.',
    'Connect its list to an output that is an array.',
  ),
  CHILD_FAILED: entry(
    'A workflow inside a map or subworkflow failed.',
    'See the cause; let it fail with try, or collect the failures of a map with onItemError: "collect".',
  ),
  CONTRACT_VIOLATED: entry('A value breaks the contract of its connection.', 'Correct the value or the contract.'),
  NOT_SUCCESSFUL: entry('A node reported success: false.', 'See its output, or switch contentAwareSuccess off.'),
  SECRET_UNDECLARED: entry('A node asked for a secret it did not declare.', 'Declare it in the node definition.'),
  ATTEMPT_TIMEOUT: entry('An attempt ran longer than its limit.', 'Raise timeoutMs, or make the node faster.'),
  NODE_TIMEOUT: entry('All attempts of a node together ran longer than the limit.', 'Raise totalTimeoutMs.'),
  RUN_TIMEOUT: entry('A run took longer than its limit.', 'Raise timeoutMs.'),
  MODULE_FAILED: entry(
    'The module of a node could not be loaded.',
    'See the cause; the URL must name a module that Node can import.',
  ),
  EXPORT_MISSING: entry('The module of a node has no export of that name.', 'Export the function, or name another.'),
  EXPORT_NOT_FUNCTION: entry('What the module of a node exports is not a function.', 'Export a node function.'),
  VALUE_NOT_CLONEABLE: entry(
    'A value cannot be copied to or from the module of a node.',
    'Pass plain data: no functions, symbols, promises or handles.',
  ),
  BRIDGE_LOST: entry(
    'The thread of a SyncBridge ended while a call was in it.',
    'See the cause; retry the node if it may run twice.',
  ),
  BRIDGE_CLOSED: entry('A SyncBridge was used after it had been closed.', 'Close it after the runtimes that use it.'),
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
  CONDITION_VALUE: entry(
    'A condition of a cycle measures a value that is not a number.',
    'Let it look at a number, or write the test with when().',
  ),
  STRATEGY_THREW: entry(
    'A retry predicate or strategy threw, or answered what is no wait.',
    'See the cause; a strategy answers milliseconds, finite and at least 0.',
  ),
  LIMIT_EXCEEDED: entry(
    'An attempt found no room under a limit that rejects.',
    'Try again later, raise the limit, or let it wait with whenFull "queue" or "defer".',
  ),
  QUEUE_FULL: entry('As many attempts wait for room as may.', 'Try again later, or raise maxQueued.'),
  QUEUE_TIMEOUT: entry('An attempt waited longer for room than it may.', 'Raise maxQueueMs, or the limit.'),
  RESOURCE_EXHAUSTED: entry(
    'An attempt was not started because the process has too little memory, or its event loop is late.',
    'Try again later, do less at once, or raise the limit of the resource.',
  ),
  LIMITS_IN_USE: entry(
    'The limits of a runtime were replaced while attempts hold or await room under them.',
    'Replace them while no run is in flight.',
  ),
  BREAKER_OPEN: entry(
    'An attempt was not started because its executor kept failing.',
    'See why it fails; the breaker lets a probe through when its time has passed, or reset it.',
  ),

  WOULD_DEADLOCK: entry(
    'A run waits for something that nothing can bring.',
    'See what keeps its next node from starting: a limit that an outer run holds, or a hook that never admits it.',
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
  CLOSE_ABORTED: entry(
    'A runtime was told to close without waiting any longer.',
    'End what it waited for, or give it more time.',
  ),
  TOKEN_UNPROVIDED: entry('Nothing provides the token that was asked for.', 'Add a plugin that provides it.'),
  INVALID_PLUGIN: entry('What was passed is not a plugin.', 'Make it with definePlugin().'),
  PACKAGE_MISSING: entry(
    'A package that a plugin needs is not installed, or cannot be loaded.',
    'Install the named package; Lockstep does not bring it with it.',
  ),

  // Testing
  SCRIPT_ENDED: entry(
    'A scripted node was called more often than its script says.',
    'Add a step, or repeat the last one with atEnd: "repeat".',
  ),
  GATE_UNANSWERED: entry(
    'A test answers the gates of a run, and one waits that nothing answers.',
    'Add it to answers; "expire" needs a gate with a time limit.',
  ),
  EXPLORATION_FAILED: entry(
    'A check failed for one of the orders in which nodes settle, or for one of the moments at which a run was cut off.',
    'See the cause; the order or the moment that is named can be replayed.',
  ),

  // Recorded runs
  WORKFLOW_UNKNOWN: entry(
    'A run was found whose workflow is not known here.',
    'Name the workflow in the option workflows of the runtime, or pass it to resume().',
  ),
  WORKFLOW_CHANGED: entry(
    'A run was started with another version of its workflow.',
    'Resume it with the version it was started with, or pass force: true to run again what changed and what depends on it.',
  ),
  PLUGINS_STARTING: entry('A plugin has not started yet.', 'Await start() of the runtime first.'),
  STORE_MISSING: entry(
    'Something was asked of recorded runs, and no store is bound.',
    'Give the runtime a store, such as the plugin sqliteEventStore({ file }) of lockstep/sqlite.',
  ),
  EXPORT_INVALID: entry('What was to be imported is not an exported run.', 'Export the run again with exportRun().'),
  SECRET_IN_OUTPUT: entry(
    'A value that is to be recorded contains a secret.',
    'Return something that does not contain it, such as a name; secrets are loaded again when a run is resumed.',
  ),
  HOLLOW_WORKFLOW: entry(
    'A workflow that was made of its description was asked for what only its code can do.',
    'It can be shown and replayed, not run: pass the workflow itself.',
  ),
  DESCRIPTION_VERSION: entry(
    'The description of a workflow was written in a format that this version does not know.',
    'Use the version of Lockstep that recorded the run, or a later one.',
  ),
  SEQ_CONFLICT: entry(
    'An event does not follow the last one that the store has of its run.',
    'See whether something else writes to the same run; nothing was written.',
  ),
  STORE_FAILED: entry(
    'An event store could not be read or written.',
    'See the cause; when it is mended, close the store and open it anew.',
  ),
  STORE_FULL: entry(
    'There is no room for what an event store was to write.',
    'Make room, then close the store and open it anew; what was committed is kept.',
  ),
  STORE_READ_ONLY: entry(
    'An event store cannot be written.',
    'Open it for writing, in a place where this process may write.',
  ),
  STORE_POISONED: entry(
    'An event store failed before, so nothing more is written to it.',
    'See the cause; close the store, open it anew, and resume its runs.',
  ),
  STORE_CLOSED: entry(
    'An event store was used before it was opened, or after it was closed.',
    'Open it first, or use it while its runtime is open.',
  ),
  STORE_LOCKED: entry(
    'Somebody else is writing to an event store.',
    'End the other process, close its runtime, or read the store with readOnly.',
  ),
  STORE_VERSION: entry(
    'The file of an event store has a version that cannot be used as it is.',
    'Use a Lockstep of at least the version that wrote it; nothing was changed.',
  ),
  STORE_NOT_LOCKSTEP: entry(
    'A file is not an event store.',
    'Give the path of an event store, or of a file that does not exist yet; nothing was changed.',
  ),
  STORE_UNAVAILABLE: entry(
    'The package behind an event store is missing, or has a version that cannot be used.',
    'Run "npm install better-sqlite3@12", at least 12.9, or use memoryEventStore().',
  ),
  STORE_DAMAGED: entry(
    'What an event store holds is not what was written.',
    'Call verify() to see what is affected, and restore the file from a copy.',
  ),
  LEASE_LOST: entry(
    'Somebody else has taken over an event store after this process had been silent for too long.',
    'Close the store and open it anew; runs go on where they are resumed.',
  ),
  CLOCK_ROLLED_BACK: entry(
    'The clock is behind the last sign of life of the process that writes to an event store.',
    'Set the clock right, or end that process and wait until the clock has passed that time.',
  ),
  DURABILITY_REFUSED: entry(
    'SQLite does not commit as durably as it was told to.',
    'Ask for less, or use a build of better-sqlite3 that keeps its settings.',
  ),
  RUN_NOT_ENDED: entry('A run was to be removed that has not ended.', 'Cancel it first, or let it end.'),
  SNAPSHOT_UNUSABLE: entry(
    'A snapshot of a run is of another version, or is no snapshot.',
    'Replay the events of the run from the start.',
  ),
  PROJECTION_FAILED: entry(
    'A required projection could not apply events that are committed.',
    'Do not append them again; mend the projection and rebuild it.',
  ),
  PROJECTION_STALE: entry(
    'A projection was asked that has not seen every event.',
    'Rebuild it, or ask for what it has with stale: "allow".',
  ),
  PROJECTION_UNKNOWN: entry('No projection has this name.', 'Correct the name, or attach the projection.'),
  VALUE_NOT_STORABLE: entry(
    'A value cannot be recorded: it would not come back as what it is.',
    'Use plain objects, arrays, strings, numbers, bigints, dates, maps, sets and bytes.',
  ),
  VALUE_UNREADABLE: entry(
    'A recorded value is none that this version of Lockstep writes.',
    'Verify the store; if a newer version wrote it, use that version.',
  ),
  BLOB_MISSING: entry(
    'An event refers to a large value that the store does not have.',
    'Verify the store, and restore it from a copy.',
  ),

  // Python workers
  ...workerErrors,

  // The command line
  ...commandErrors,
} as const satisfies Record<string, ErrorEntry>;

/** A code from the catalogue. */
export type ErrorCode = keyof typeof errorCatalog;
