/** A self-signed certificate for 127.0.0.1, made afresh for each run. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { temporaryFolder } from './temporary.mjs';

const REQUEST = [
  ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
  ...['-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'],
];

let made;

/** The paths of certificate and key, one pair for the process; throws where there is no openssl. */
export function certificate() {
  made ??= make(join(temporaryFolder, 'certificate.pem'), join(temporaryFolder, 'key.pem'));
  return made;
}

function make(cert, key) {
  execFileSync('openssl', [...REQUEST, '-out', cert, '-keyout', key], { stdio: 'pipe' });
  return { cert, key };
}
