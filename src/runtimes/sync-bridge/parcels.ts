import type { Parcel } from '../../base/executor-port.js';
import type { BridgeCall } from '../../base/ports.js';

/**
 * From how many bytes on memory is given away and not cloned. Below, that saves nothing, and what it costs to give many away grows with the
 * square of their number.
 */
const GIVEN_FROM_BYTES = 16_384;

/** Something that is to be posted, and the memory that is given away with it. */
export interface Outgoing<T> {
  readonly sent: T;
  readonly memory: readonly ArrayBuffer[] | undefined;
}

/** Each in memory that is its own, so that it arrives in such memory too, and nothing else is cloned with it. */
function outgoing(data: unknown, bytes: readonly Uint8Array<ArrayBuffer>[]): Outgoing<Parcel> {
  const memory = bytes.filter(({ length }) => length >= GIVEN_FROM_BYTES).map(({ buffer }) => buffer);
  return { sent: { data, bytes }, memory };
}

/** What goes to a service, as it is posted: long bytes are given away in a copy. */
export function outgoingCopy({ data, bytes }: Parcel): Outgoing<Parcel> {
  return outgoing(
    data,
    bytes.map((one) => new Uint8Array(one)),
  );
}

/**
 * A call as it is posted. Whatever the memory of its parcel is, others use it, and the call may have to be posted once more: long bytes
 * are given away in a copy.
 */
export function outgoingCall(call: BridgeCall): Outgoing<BridgeCall> {
  if (call.service === undefined) return { sent: call, memory: undefined };
  const { sent, memory } = outgoingCopy(call.inputs.packed as Parcel);
  return { sent: { ...call, inputs: { packed: sent } }, memory };
}

/** What a service gives back, as it is posted: bytes that are all of their memory are given away as they are, others in a copy. */
export function outgoingAnswer({ data, bytes }: Parcel): Outgoing<Parcel> {
  const given = new Set<ArrayBufferLike>();
  const own = (one: Uint8Array): Uint8Array<ArrayBuffer> => {
    const { buffer } = one;
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== one.length || given.has(buffer))
      return new Uint8Array(one);
    given.add(buffer);
    return one as Uint8Array<ArrayBuffer>;
  };
  return outgoing(data, bytes.map(own));
}
