/** haproxy in between. */
import { readFileSync, writeFileSync } from 'node:fs';
import { faceProxy } from '../support/proxy.mjs';

const HAPROXY = '/usr/sbin/haproxy';

function configure({ target, path, security }) {
  let tls = '';
  if (security) {
    const both = `${path}.pem`;
    writeFileSync(both, [readFileSync(security.cert), readFileSync(security.key)].join('\n'));
    tls = ` ssl crt ${both}`;
  }
  return `
    defaults
      mode http
      timeout connect 5s
      timeout client 30s
      timeout server 30s
      timeout tunnel 60s
    frontend public
      bind ${path}${tls}
      default_backend ours
    backend ours
      server only ${target}\n`;
}

await faceProxy(HAPROXY, { configure, command: (file) => [HAPROXY, '-db', '-q', '-f', file] });
