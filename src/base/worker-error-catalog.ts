import { type ErrorEntry, entry } from './error-entry.js';

/** The codes of Python workers and of what they are started with. */
export const workerErrors = {
  VALUE_NOT_ENCODABLE: entry(
    'A value cannot be passed to another process, or back: it would not arrive as what it is.',
    'Use plain objects, arrays, strings, numbers, bigints, dates, maps, sets and bytes.',
  ),
  FRAME_UNREADABLE: entry(
    'What the other end of the stream to a worker sent cannot be read.',
    'Use a worker that keeps to python/BRIDGE.md, and a Lockstep of its version.',
  ),
  PYTHON_UNUSABLE: entry(
    'The Python interpreter that was named cannot be used.',
    'Install what it lacks, or name another one; "lockstep python doctor" shows what is there.',
  ),
  PYTHON_NOT_FOUND: entry(
    'No Python interpreter that is there can be used.',
    'Run "lockstep python setup", which makes an environment, or install what the best of them lacks.',
  ),
  ENVIRONMENT_OFFLINE: entry(
    'A Python environment has to be made, and no package index can be reached.',
    'Until then, name an interpreter that has these packages.',
  ),
  ENVIRONMENT_FAILED: entry(
    'A Python environment could not be made.',
    'See the end of what pip or uv wrote, or name an interpreter that has the packages.',
  ),
  WORKER_START_FAILED: entry(
    'A worker process could not be started, or ended or hung before it was ready.',
    'Correct what its last lines name, or give it more time with startTimeoutMs.',
  ),
  WORKER_REGISTRY_FAILED: entry(
    'The registry of workers failed, or did not answer in time: a worker that is not written down is not started.',
    'See the cause, and mend the registry that was injected, or leave the option out.',
  ),
  WORKER_STOPPED: entry(
    'A worker was asked for something when it, or its host, had been stopped.',
    'Ask before stop() and close(); a stopped worker can be started again.',
  ),
  WORKER_NOT_READY: entry(
    'A worker was asked for something when it could not perform anything.',
    'Wait for start(); where it cannot be started again and again, see the cause.',
  ),
  WORKER_LOST: entry(
    'The process of a worker ended, or was ended, before a call was answered.',
    'See the cause; what the call did until then is done.',
  ),
  EFFECT_UNKNOWN: entry(
    'The worker of a Python node ended in the middle of a call; nobody knows whether it took effect.',
    'Declare the tool with @tool(idempotent=True), or name EFFECT_UNKNOWN in retryOn.',
  ),
  PROTOCOL_MISMATCH: entry(
    'A worker is another one than was started, or speaks another version of the protocol.',
    'Use a worker of the version of this Lockstep.',
  ),
  TOKEN_REFUSED: entry(
    'A worker did not take the token that it was started with.',
    'Use a worker that keeps to python/BRIDGE.md.',
  ),
  TLS_REQUIRED: entry(
    'A worker was to serve on TCP without TLS.',
    'Name certificate, key and authority with tls, or use the transport "unix".',
  ),
  PYTHON_RAISED: entry('A Python tool raised an exception.', 'Its traceback is in the property traceback.'),
  PYTHON_IMPORT_FAILED: entry(
    'A Python module raised an exception when it was imported.',
    'Correct the module; the cause is what it raised.',
  ),
  PYTHON_MODULE_MISSING: entry(
    'There is no Python module of the name that was called.',
    'Correct the name, or add its folder with paths.',
  ),
  TOOL_UNDECLARED: entry(
    'A Python module declares no tool of the name that was called.',
    'Correct the name, or put @tool above the function.',
  ),
  HOST_TOOL_UNKNOWN: entry(
    'A Python tool called a host tool of a name that there is none of.',
    'Correct the name, or add the function to hostTools.',
  ),
  HOST_TOOL_ASYNC: entry(
    'A host tool returned a promise to LocalRuntime, which waits for none.',
    'Let it return its value, or use AsyncLocalRuntime.',
  ),
  TOOL_STREAMS: entry('A tool that yields was called where nobody takes items.', 'Call it with executeStream().'),
  PYTHON_ARGUMENTS: entry('A tool was called with arguments that it does not take.', 'Correct the arguments.'),
  PAYLOAD_TOO_LARGE: entry(
    'A value is longer than may pass between a host and its workers.',
    'Pass less at a time, or raise maxValueBytes.',
  ),
  CALL_TIMEOUT: entry(
    'A call was not answered within the time that it was given.',
    'Give it more with timeoutMs, or make the tool faster.',
  ),
  CALL_CANCELLED: entry('A worker cancelled a call by itself.', 'See the messages of the worker.'),
  STREAM_ABANDONED: entry(
    'Nobody took the items of a call any more, and it was cancelled.',
    'Take all items before the result.',
  ),
  UNKNOWN_FRAME: entry('A worker does not know what it was asked.', 'Use a worker of the version of this Lockstep.'),
} as const satisfies Record<string, ErrorEntry>;
