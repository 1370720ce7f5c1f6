/**
 * A worker that is not written in Python: with the server of `@grpc/grpc-js`, by python/BRIDGE.md alone. It has the built-in
 * commands, and others that do what a worker should not: `node other-worker.js [ODDITY] SETTINGS`.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from '@grpc/grpc-js';
import { SharedFiles } from '../../src/plugins/python/values/shared-files.js';
import { FrameValues } from '../../src/plugins/python/values/value-gate.js';
import { readWireValue } from '../../src/plugins/python/values/wire-reader.js';
import { FRAME_KINDS, type Frame } from '../../src/plugins/python/wire/frame.js';
import { decodeBatch } from '../../src/plugins/python/wire/frame-reader.js';
import { encodeBatch } from '../../src/plugins/python/wire/frame-writer.js';

interface Settings {
  readonly worker: string;
  readonly token: string;
  readonly address: string;
  readonly readyFile: string;
  readonly maxValueBytes: number;
  readonly sharedFolder: string;
  readonly sharedFromBytes: number;
}

type Stream = ServerDuplexStream<Buffer, Buffer>;

const [, , ...words] = process.argv;
const oddity = words.length > 1 ? words[0] : undefined;
const settings = JSON.parse(readFileSync(words.at(-1) ?? '', 'utf8')) as Settings;
const files = new SharedFiles(settings.sharedFolder);
const startedMs = Date.now();
const load = { running: 0, waiting: 0, held: 0, threads: 1, rssBytes: process.memoryUsage().rss };
const facts = { pid: process.pid, version: '1', language: 'javascript', languageVersion: process.version };
let messages = 0;
let begun = 0;
let streams = 0;

function frame(call: number, kind: number, value: readonly unknown[]): Frame {
  const { sharedFromBytes, maxValueBytes } = settings;
  const values = new FrameValues({ sharedFromBytes, maxValueBytes }, files);
  const text = values.write(value, 'answer');
  return { call, kind, text, segments: values.beside().segments };
}

function refusal(code: string, message: string): readonly unknown[] {
  return [code, '', message, '', {}, null];
}

/** What each command is answered with. */
function perform(command: string, args: Readonly<Record<string, unknown>>, call: number, stream: Stream): Frame[] {
  const { ANSWER, FAILURE, ITEM } = FRAME_KINDS;
  const answer = (value: unknown): Frame => frame(call, ANSWER, [value, null]);
  switch (command) {
    case 'ping':
      return [answer('pong')];
    case 'echo':
      return [answer(args.value)];
    case 'info':
      return [answer({ ...facts, executable: process.execPath, startedMs, packages: {}, modules: {}, load })];
    case 'messages':
      return [answer({ messages, begun, streams })];
    case 'unknown kinds':
      return [frame(call, 99, ['?']), frame(0, 98, []), frame(call, FRAME_KINDS.SAID, ['gossip', 1]), answer('known')];
    case 'answers twice':
      return [answer('first'), answer('second'), frame(call, FAILURE, refusal('TOOL_UNDECLARED', 'too late'))];
    case 'too many items':
      return [...Array.from({ length: 65 }, (_, n) => frame(call, ITEM, [n])), answer(null)];
    case 'unknown failure':
      return [frame(call, FAILURE, refusal('NEW_IDEA', 'what nobody knows'))];
    case 'a file elsewhere':
      return [
        {
          call,
          kind: ANSWER,
          text: '[{"$":"segment","v":[0,"bytes"]},null]',
          segments: [{ path: '/etc/hostname', size: 1 }],
        },
      ];
    case 'too much':
      return [{ call, kind: ANSWER, text: `["${'x'.repeat(2 * settings.maxValueBytes + 2_000)}",null]`, segments: [] }];
    case 'no value':
      return [{ call, kind: ANSWER, text: '[{"$":"date","v":"no"},null]', segments: [] }];
    case 'garbage':
      stream.write(Buffer.from([255, 255, 255]));
      return [];
    case 'an end':
      stream.end();
      return [];
    case 'silence':
      return [];
    default:
      return [frame(call, FAILURE, refusal('TOOL_UNDECLARED', `There is no ${command}.`))];
  }
}

/** What a frame is answered with. */
function answers({ call, kind, text, segments }: Frame, stream: Stream): Frame[] {
  const list = readWireValue(text, segments, (file) => files.read(file)) as readonly unknown[];
  switch (kind) {
    case FRAME_KINDS.HELLO: {
      const id = oddity === 'wrong id' ? 'somebody' : settings.worker;
      const protocol = oddity === 'wrong protocol' ? 2 : 1;
      return [frame(0, FRAME_KINDS.WELCOME, [protocol, { id, ...facts, executable: process.execPath, packages: {} }])];
    }
    case FRAME_KINDS.CALL:
      begun++;
      return perform(list[0] as string, list[1] as Readonly<Record<string, unknown>>, call, stream);
    case FRAME_KINDS.CANCEL:
      // Late: the answer of a tool that did not stop.
      return [frame(call, FRAME_KINDS.ANSWER, ['late', null])];
    case FRAME_KINDS.PING:
      return [frame(0, FRAME_KINDS.PONG, [list[0], load])];
    default:
      return [];
  }
}

function isKnown(metadata: Metadata): boolean {
  return oddity !== 'deaf' && metadata.get('authorization')[0] === `Bearer ${settings.token}`;
}

const connect: handleBidiStreamingCall<Buffer, Buffer> = (stream) => {
  streams++;
  if (!isKnown(stream.metadata)) {
    stream.emit('error', { code: status.UNAUTHENTICATED, details: 'no such token' });
    return;
  }
  if (oddity === 'silent') return;
  stream.on('data', (bytes: Buffer) => {
    messages++;
    const said = decodeBatch(bytes).flatMap((each) => answers(each, stream));
    if (said.length > 0) stream.write(encodeBatch(said));
  });
  stream.on('end', () => stream.end());
};

const check: handleUnaryCall<Buffer, Buffer> = ({ metadata }, answer) => {
  if (isKnown(metadata)) answer(null, Buffer.from([8, 1]));
  else answer({ code: status.UNAUTHENTICATED, details: 'no such token', metadata: new Metadata() });
};

const same = (bytes: Buffer): Buffer => bytes;
const method = (path: string, stream: boolean) => ({
  path,
  requestStream: stream,
  responseStream: stream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

const server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
server.addService({ Connect: method('/lockstep.worker.v1.Worker/Connect', true) }, { Connect: connect });
server.addService({ Check: method('/grpc.health.v1.Health/Check', false) }, { Check: check });
server.bindAsync(settings.address, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
  const message =
    oddity === 'unable'
      ? { protocol: 1, error: { code: 'UNABLE', message: 'not today.' } }
      : { protocol: 1, address: settings.address, pid: process.pid };
  writeFileSync(`${settings.readyFile}.new`, JSON.stringify(message));
  renameSync(`${settings.readyFile}.new`, settings.readyFile);
});
process.stdin.resume().on('end', () => process.exit());
process.on('SIGTERM', () => process.exit());
