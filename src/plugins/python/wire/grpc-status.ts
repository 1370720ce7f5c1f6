import type { IncomingHttpHeaders } from 'node:http2';

/** How a call of gRPC ended. */
export interface GrpcStatus {
  /** 0 where all is well (https://grpc.io/docs/guides/status-codes). */
  readonly code: number;
  readonly message: string;
}

/** The codes of gRPC that are told apart here. */
export const GRPC = {
  OK: 0,
  UNKNOWN: 2,
  DEADLINE_EXCEEDED: 4,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** The status in the headers that end a call; `undefined` where there is none. */
export function statusIn(headers: IncomingHttpHeaders): GrpcStatus | undefined {
  const { 'grpc-status': code, 'grpc-message': message } = headers;
  if (typeof code !== 'string') return undefined;
  return { code: Number(code), message: unescaped(typeof message === 'string' ? message : '') };
}

/** What an answer of HTTP means that does not come from gRPC (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md). */
export function statusOfHttp(status: number | undefined, type: string | undefined): GrpcStatus | undefined {
  if (status !== 200) return { code: GRPC.UNKNOWN, message: `HTTP status ${String(status)}` };
  if (type?.startsWith('application/grpc') !== true)
    return { code: GRPC.UNKNOWN, message: `content of type ${String(type)}` };
  return undefined;
}

/** Messages are percent-encoded; what is no encoding stands for itself. */
function unescaped(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
