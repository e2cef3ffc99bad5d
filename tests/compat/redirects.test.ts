/** Credentials and header fields on a redirect. */

import type { Duplex } from 'node:stream';
import { type HttpMessage, Inbox, until } from '../support/inbox.js';
import { keyOf, upgradeResponse } from '../support/requests.js';
import type { Scope } from '../support/scope.js';
import { recordEvents, type Settings } from './scene.js';
import type { Library, Untyped } from './subjects.js';
import { type Row, table } from './table.js';

interface Journey {
  url?: string;
  options?: Settings;
  /** whether the program listens to 'redirect' */
  listens?: boolean;
  /** the Location of each redirect */
  to: string[];
}

/** A client that is sent on to each Location, and then accepted. */
async function sentOn(library: Library, scope: Scope, journey: Journey): Promise<Untyped> {
  const { url = 'ws://first.example/a', options = {}, listens = false, to } = journey;
  const inboxes: Inbox[] = [];
  const createConnection = (): Duplex => {
    const [end, peer] = scope.wire();
    inboxes.push(new Inbox(peer));
    return end;
  };
  const ws = scope.track(new library(url, { createConnection, followRedirects: true, ...options }));
  const events = recordEvents(ws);
  if (listens) ws.on('redirect', () => {});
  const requests: HttpMessage[] = [];
  while (requests.length <= to.length) {
    const i = requests.length;
    await until(() => inboxes.length > i, `connection ${i}`);
    const inbox = inboxes[i] as Inbox; // just seen
    const request = await inbox.message();
    requests.push(request);
    const redirect = `HTTP/1.1 302 x\r\nLocation: ${to[i]}\r\nContent-Length: 0\r\n\r\n`;
    inbox.stream.write(i < to.length ? redirect : upgradeResponse(keyOf(request)));
  }
  await until(() => events.includes('open'), "'open'");
  return { ws, requests };
}

/** A row for the user whose credentials the last request has. */
const user = (it: string, journey: Journey, ws: string, ours = ws, why = ''): Row => ({
  id: 'W15 W31 V8.5',
  it,
  run: async (lib, scope) => {
    const { requests } = await sentOn(lib, scope, journey);
    const [field = ''] = requests.at(-1).all('authorization');
    return Buffer.from(field.replace('Basic ', ''), 'base64').toString().split(':')[0];
  },
  expected: ws,
  ...(ws === ours ? {} : { differs: { expected: ours, why } }),
});

const OWN = { headers: { Authorization: `Basic ${btoa('own:x')}` } };
const SAME = 'ws://theirs:y@first.example/b';
const OTHER = 'ws://theirs:y@other.example/b';

table([
  user('a header wins over a Location', { options: OWN, to: [SAME] }, 'own'),
  user('option auth wins over a Location', { options: { auth: 'own:x' }, to: [SAME] }, 'own'),
  user(
    'the first URL wins over a Location',
    { url: 'ws://own:x@first.example/', to: [SAME] },
    'own',
  ),
  user('without any of its own, the Location', { to: [SAME] }, 'theirs'),
  user('and its credentials stay', { to: [SAME, '/c'] }, 'theirs'),
  user('not those of a Location of another host', { to: [OTHER] }, ''),
  user('nor its own there', { options: OWN, to: [OTHER] }, ''),
  user('nor option auth', { options: { auth: 'own:x' }, to: [OTHER] }, ''),
  user(
    "with a listener of 'redirect' its own",
    { options: OWN, listens: true, to: [OTHER] },
    'own',
  ),
  user(
    "with a listener of 'redirect' option auth",
    { options: { auth: 'own:x' }, listens: true, to: [OTHER] },
    'own',
  ),
  user("with a listener of 'redirect' the Location", { listens: true, to: [OTHER] }, 'theirs'),
  user(
    'its own, when another host leads back',
    { options: OWN, to: [OTHER, 'ws://first.example/c'] },
    'own',
    '',
    'another host cannot make a client use its credentials',
  ),
  {
    id: 'U8',
    it: '_redirects and _req when it is open',
    run: async (lib, scope) => {
      const { ws } = await sentOn(lib, scope, { to: ['/b', '/c'] });
      return [ws._redirects, ws._req];
    },
    expected: [2, null],
  },
]);
