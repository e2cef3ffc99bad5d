/** `ws6455/reconnect`: the types of the loop, of its options and of what their functions get. */

import { type ClientOptions, WebSocket } from 'ws';
import {
  type AttemptInfo,
  type BackoffOptions,
  type Ending,
  type PerAttempt,
  type Reconnected,
  type ReconnectOptions,
  type ResumeInfo,
  reconnect,
  type UnsentApi,
  type UnsentMessage,
  type Verdict,
} from 'ws6455/reconnect';
import { type Equal, expectType } from './equal.js';

class Member extends WebSocket {
  name = '';
}

type OwnOptions = Omit<ReconnectOptions<Reconnected>, Exclude<keyof ClientOptions, OwnName>>;
type OwnName = 'headers' | 'protocols' | 'signal';

/** Every option by its name. */
export const everything: { [Name in keyof OwnOptions]-?: undefined } = {
  protocols: undefined,
  headers: undefined,
  token: undefined,
  backoff: undefined,
  connectTimeout: undefined,
  minUptime: undefined,
  maxAttempts: undefined,
  classify: undefined,
  resume: undefined,
  signal: undefined,
};

export const backoff: Required<BackoffOptions> = { first: 1, base: 2, factor: 3, max: 4 };

export async function follow(signal: AbortSignal): Promise<void> {
  for await (const socket of reconnect('ws://localhost')) {
    expectType<Equal<typeof socket, Reconnected>>();
    const plain: WebSocket & UnsentApi = socket;
    expectType<Equal<ReturnType<typeof socket.unsent>, UnsentMessage[]>>();
    for await (const data of socket) expectType<Equal<typeof data, string | Buffer>>();
    for await (const { data, isBinary } of socket.messages()) {
      await plain.sent(data, { binary: isBinary });
    }
  }
  const members = reconnect(new URL('ws://localhost'), {
    WebSocket: Member,
    resume: (socket, info) => {
      expectType<Equal<typeof socket, Reconnected<Member>>>();
      expectType<Equal<typeof info, ResumeInfo>>();
      return socket.sent(socket.name);
    },
    signal,
    heartbeat: true,
    proxy: 'env',
  });
  for await (const member of members) {
    expectType<Equal<typeof member, Member & UnsentApi>>();
    expectType<Equal<typeof member.name, string>>();
  }
}

/** Functions for each attempt, synchronous or not. */
export const perAttempt = reconnect(
  async ({ attempt, last }) => {
    expectType<Equal<typeof attempt, number>>();
    expectType<Equal<typeof last, Ending | undefined>>();
    return new URL(`ws://localhost/${attempt}`);
  },
  {
    protocols: () => ['chat'],
    headers: async (info) => {
      expectType<Equal<typeof info, AttemptInfo>>();
      return { Cookie: 'a=b' };
    },
    token: ({ last }) => (last?.during === 'connect' ? undefined : 'abc'),
    backoff,
    classify: (ending, suggested) => {
      expectType<Equal<typeof ending, Ending>>();
      expectType<Equal<typeof suggested, Verdict>>();
      return ending.closeInfo?.received?.code === 4000 ? { after: 1000 } : suggested;
    },
  },
);

export const token: PerAttempt<string> = () => 'abc';

// @ts-expect-error a URL is required
reconnect();
// @ts-expect-error no such verdict
reconnect('ws://localhost', { classify: () => 'again' });
// @ts-expect-error no such option
reconnect('ws://localhost', { retries: 5 });
// @ts-expect-error connectTimeout is the limit
reconnect('ws://localhost', { handshakeTimeout: 5 });
// @ts-expect-error a number of milliseconds
reconnect('ws://localhost', { backoff: { first: '5s' } });
// @ts-expect-error not a class of WebSockets
reconnect('ws://localhost', { WebSocket: EventTarget });
