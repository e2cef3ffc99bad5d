/** Our endpoint in either role, facing a peer in the other. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { certificate } from './certificate.mjs';
import { deferred, within } from './deadline.mjs';
import { EXCHANGES, exchange } from './exchanges.mjs';
import { listen } from './listen.mjs';
import { fail, result, skip } from './results.mjs';
import { load, subjectName } from './subject.mjs';

const AGAINST = { server: againstServer, client: againstClient };

/**
 * Every exchange with the peer `name` in its `role` on a `transport`. `start(environment)` brings
 * the peer up; `can` lists what it offers beyond echo and close: to send `fragments`, a `ping`, an
 * `emptyClose`; to `echoReason` in its answer to a Close; to `drop` the connection, to `leave` the page.
 * `oddities` are the codes it has where others have another: in its `answer` to a Close, in its
 * `answerToEmpty`, for an `empty` Close it got, for a `drop` it suffered.
 */
export async function face({ name, role, transport, can, oddities = {}, start }) {
  const title = `${name} as ${role}, ${transport}`;
  let security;
  try {
    security = transport === 'tls' ? certificate() : undefined;
  } catch {
    return skip(title, 'openssl cannot make a certificate');
  }
  let peer;
  try {
    peer = await start({ INTEROP_CERT: security?.cert, INTEROP_KEY: security?.key });
    await AGAINST[role]({ title, transport, security, peer, can, oddities });
  } catch (error) {
    fail(title, error);
  } finally {
    await peer?.stop();
  }
}

async function runAll(facing, open) {
  const { title, can } = facing;
  const offered = EXCHANGES.filter(({ needs }) => needs === undefined || can.includes(needs));
  for (const [at, each] of offered.entries()) {
    await result(`${title}: ${each.name}`, () => exchange(each, facing, `/${at}`, open));
  }
}

/** The peer is the server, we are its client. */
async function againstServer(facing) {
  const { WebSocket } = load(subjectName);
  const { peer, security } = facing;
  const options = security ? { ca: readFileSync(security.cert) } : {};
  await runAll(facing, async (id, protocols) => {
    const ours = new WebSocket(peer.base + id, protocols, options);
    await once(ours, 'open');
    await peer.opened(id);
    return ours;
  });
}

/** The peer is the client of our server. */
async function againstClient(facing) {
  const { peer, transport, security } = facing;
  const arrivals = new Map();
  const arrival = (id) => {
    if (!arrivals.has(id)) arrivals.set(id, deferred());
    return arrivals.get(id);
  };
  const server = await listen(load(subjectName), transport, security, (socket, request) =>
    arrival(request.url).resolve(socket),
  );
  await runAll(facing, async (id, protocols) => {
    peer.connect({ id, url: server.base + id, protocols });
    const [ours] = await Promise.all([arrival(id).promise, peer.opened(id)]);
    return ours;
  });
  await within(5_000, 'closing the server', server.close());
}
