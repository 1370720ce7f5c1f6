import type { Connection } from './connection.js';
import { ProtobufReader, tagOf } from './protobuf-reader.js';

/** What the standard health service of gRPC says; UNKNOWN also where it says nothing in time. */
export type ServingStatus = 'UNKNOWN' | 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';

const CHECK = '/grpc.health.v1.Health/Check';
const STATUSES: readonly ServingStatus[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const STATUS = tagOf(1, 'varint');

/**
 * Asks the standard health service (https://github.com/grpc/grpc-proto/blob/master/grpc/health/v1/health.proto) of the worker as
 * a whole. Its two messages have one field each; that of the question is empty.
 */
export async function checkHealth(connection: Connection, timeoutMs: number): Promise<ServingStatus> {
  const answer = await connection.unary(CHECK, Buffer.alloc(0), timeoutMs);
  return answer instanceof Uint8Array ? statusOf(answer) : 'UNKNOWN';
}

function statusOf(bytes: Buffer): ServingStatus {
  const reader = new ProtobufReader(bytes);
  let status = 0;
  while (!reader.atEnd) {
    const tag = reader.tag();
    if (tag === STATUS) status = reader.varint();
    else reader.skip(tag);
  }
  return STATUSES[status] ?? 'UNKNOWN';
}
