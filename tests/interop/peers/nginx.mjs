/** nginx in between, as its manual says how to pass a WebSocket on. */
import { faceProxy } from '../support/proxy.mjs';
import { temporaryFolder } from '../support/temporary.mjs';

const NGINX = '/usr/sbin/nginx';
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

function configure({ target, path, security }) {
  const tls = security
    ? `ssl_certificate ${security.cert}; ssl_certificate_key ${security.key};`
    : '';
  return `
    daemon off; master_process off; pid nginx.pid; error_log stderr crit;
    events {}
    http {
      access_log off;
      ${TEMPORARY.map((kind) => `${kind}_temp_path ${temporaryFolder};`).join('\n')}
      map $http_upgrade $connection_upgrade { default upgrade; '' close; }
      server {
        listen unix:${path} ${security ? 'ssl' : ''};
        ${tls}
        location / {
          proxy_pass http://${target};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $connection_upgrade;
        }
      }
    }`;
}

const command = (file) => [NGINX, '-p', temporaryFolder, '-e', 'stderr', '-c', file];

await faceProxy(NGINX, { configure, command });
