import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ChannelCredentials, Client, ClientOptions, Interceptor } from '@grpc/grpc-js';
import type { Endpoint } from './connection.js';

/** The part of `@grpc/grpc-js` that is used here. It is loaded when it is first needed: that takes longer than all the rest. */
type GrpcJs = Pick<typeof import('@grpc/grpc-js'), 'Client' | 'credentials' | 'InterceptingCall'>;

/** As much as a call of one's own may be, both ways: what is larger belongs on the stream. */
const LARGEST_MESSAGE = 4 * 2 ** 20;

/**
 * What a channel is made with. Nothing is sent twice, nothing goes by a proxy, and nothing is shared with the channel of another
 * incarnation: not its connection, and not its waits.
 */
const OPTIONS: ClientOptions = {
  'grpc.max_send_message_length': LARGEST_MESSAGE,
  'grpc.max_receive_message_length': LARGEST_MESSAGE,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 50,
};

/** A client of `@grpc/grpc-js` for services that a worker offers beside ours. It brings the token with every call. */
export function openChannel({ address, token, tls }: Endpoint): Client {
  const grpc = createRequire(import.meta.url)('@grpc/grpc-js') as GrpcJs;
  const withToken: Interceptor = (options, next) =>
    new grpc.InterceptingCall(next(options), {
      start: (metadata, listener, start) => {
        metadata.set('authorization', `Bearer ${token}`);
        start(metadata, listener);
      },
    });
  const credentials: ChannelCredentials =
    tls === null
      ? grpc.credentials.createInsecure()
      : grpc.credentials.createSsl(readFileSync(tls.authority), readFileSync(tls.key), readFileSync(tls.certificate));
  return new grpc.Client(address, credentials, { ...OPTIONS, interceptors: [withToken] });
}
