import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from '../../src/plugins/python/configuration.js';

/** Makes an authority and a certificate of it for this machine, by the command `openssl`. */
export function makeTlsFiles(folder: string): TlsOptions {
  const path = (name: string): string => join(folder, name);
  const openssl = (...words: readonly string[]): void => {
    execFileSync('openssl', words, { stdio: 'pipe' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const [authority, certificate] = [path('authority.pem'), path('certificate.pem')];
  openssl(
    ...['req', '-x509', ...key, '-subj', '/CN=Test authority', '-days', '2'],
    '-keyout',
    path('ca-key.pem'),
    '-out',
    authority,
  );
  openssl(...['req', ...key, '-subj', '/CN=localhost'], '-keyout', path('key.pem'), '-out', path('request.pem'));
  writeFileSync(path('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  openssl(
    ...['x509', '-req', '-in', path('request.pem'), '-CA', authority, '-CAkey', path('ca-key.pem'), '-CAcreateserial'],
    ...['-days', '2', '-extfile', path('names'), '-out', certificate],
  );
  return { certificate, key: path('key.pem'), authority };
}
