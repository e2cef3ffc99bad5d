import { describe, expect, test } from '@jest/globals';
import {
  CLOSING_TABLE,
  type ClosingInput,
  type ClosingState,
} from '../../../src/protocol/close.js';
import { type Application, Endpoint } from '../../../src/protocol/endpoint.js';
import { ProtocolError } from '../../../src/protocol/errors.js';
import { MaskingKeys } from '../../../src/protocol/mask.js';
import type { Role } from '../../../src/protocol/receiver.js';
import type { Wire } from '../../../src/protocol/wire.js';
import { closePayload, OPCODE, readFrames } from '../../support/frames.js';

/** A wire that notes what is asked of it. `behind` holds writes back, as a busy one does. */
class NotedWire implements Wire {
  log: string[] = [];
  closesSent = 0;
  armed = false;
  endpoint: Endpoint | undefined;
  schedule(): void {}
  resumeToDiscard(): void {}
  continueReading(): void {}
  continueSending(): void {}
  flush(): boolean {
    const gather = this.endpoint?.sender.takeBatch();
    if (gather === undefined) return true;
    const { frames } = readFrames(Buffer.concat(gather.takeParts()));
    this.closesSent += frames.filter((one) => one.opcode === OPCODE.CLOSE).length;
    this.endpoint?.written(gather, true);
    return true;
  }
  end(): void {
    this.flush();
    this.log.push('end');
  }
  destroy(): void {
    this.flush();
    this.log.push('destroy');
  }
  armCloseTimer(): void {
    this.armed = true;
  }
  disarm(): void {
    this.armed = false;
  }
}

class NotedApplication implements Application {
  onDrain(): void {}
  messages = 0;
  told: number[] = [];
  failures: Error[] = [];
  onMessage(): void {
    this.messages++;
  }
  onPing(): void {}
  onPong(): void {}
  onFailure(error: Error): void {
    this.failures.push(error);
  }
  onClosed(code: number): void {
    this.told.push(code);
  }
}

function open(role: Role) {
  const wire = new NotedWire();
  const application = new NotedApplication();
  const receiving = { maxPayload: 0, maxFragments: 0, checkUtf8: true, oneAtATime: false };
  const keys = role === 'client' ? new MaskingKeys() : undefined;
  const options = {
    role,
    receiving,
    extension: undefined,
    keys,
    autoPong: true,
    closeTimeout: 30_000,
  };
  const endpoint = new Endpoint(options, wire, application);
  wire.endpoint = endpoint;
  return { endpoint, wire, application };
}

type Opened = ReturnType<typeof open>;

const INPUTS: Record<ClosingInput, (of: Opened) => void> = {
  CLOSE_CALLED: ({ endpoint }) =>
    endpoint.startClosingHandshake({ code: 1000, reason: Buffer.from('done') }),
  CLOSE_RECEIVED: ({ endpoint }) => {
    // The receiver hands up nothing once it discards; neither does this test.
    if (['OPEN', 'CLOSE_QUEUED', 'CLOSE_SENT'].includes(endpoint.state)) {
      endpoint.onControl(OPCODE.CLOSE, closePayload(1001));
    }
  },
  CLOSE_WRITTEN: ({ wire }) => {
    wire.flush();
  },
  VIOLATION: ({ endpoint }) => {
    if (['OPEN', 'CLOSE_QUEUED', 'CLOSE_SENT'].includes(endpoint.state)) {
      endpoint.onViolation(new ProtocolError('EXPECTED_FIN'));
    }
  },
  WIRE_ENDED: ({ endpoint }) => endpoint.wireEnded(),
  TERMINATED: ({ endpoint }) => endpoint.terminate(),
  TIMED_OUT: ({ endpoint, wire }) => {
    if (wire.armed) endpoint.timedOut();
  },
  WIRE_CLOSED: ({ endpoint }) => endpoint.wireClosed(),
};

const NAMES = Object.keys(INPUTS) as ClosingInput[];

function* sequences(length: number): Generator<ClosingInput[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const shorter of sequences(length - 1)) for (const name of NAMES) yield [...shorter, name];
}

/** What must hold after each input, whatever came before. */
function check({ endpoint, wire, application }: Opened, story: string): void {
  const { state } = endpoint;
  if (wire.closesSent > 1) throw new Error(`${story}: Close was sent more than once`);
  const closed = state === 'CLOSED' ? 1 : 0;
  if (application.told.length !== closed) throw new Error(`${story}: told ${application.told}`);
  if (application.failures.length > 1) throw new Error(`${story}: reported more than once`);
  const isClosing = state !== 'OPEN' && state !== 'CLOSED';
  const destroyed = wire.log.includes('destroy');
  if (isClosing && !wire.armed && !destroyed) throw new Error(`${story}: no timer in ${state}`);
  if (state === 'CLOSED' && wire.armed) throw new Error(`${story}: timer left armed`);
  const wireFailed = /WIRE_ENDED|WIRE_CLOSED/.test(story);
  if (wire.log.includes('end') && wire.closesSent === 0 && !wireFailed) {
    throw new Error(`${story}: ended before our Close left`);
  }
}

describe.each<Role>(['server', 'client'])('as a %s', (role) => {
  test('every short sequence of inputs keeps the promises of the closing handshake', () => {
    let walked = 0;
    for (let length = 1; length <= 5; length++) {
      for (const sequence of sequences(length)) {
        const opened = open(role);
        let story = role as string;
        for (const name of sequence) {
          story += ` ${name}`;
          INPUTS[name](opened);
          check(opened, story);
        }
        walked++;
      }
    }
    expect(walked).toBe(8 + 8 ** 2 + 8 ** 3 + 8 ** 4 + 8 ** 5);
  });

  test('every sequence that ends with the wire closed has told the application once', () => {
    for (const sequence of sequences(4)) {
      const opened = open(role);
      for (const name of [...sequence, 'WIRE_CLOSED' as const]) INPUTS[name](opened);
      expect(opened.application.told).toHaveLength(1);
    }
  });
});

test('RFC 6455 §7.1.1: behind both Close frames the server ends TCP, the client waits', () => {
  const server = open('server');
  INPUTS.CLOSE_RECEIVED(server);
  INPUTS.CLOSE_WRITTEN(server);
  expect([server.endpoint.state, server.wire.log]).toEqual(['ENDED', ['end']]);

  const client = open('client');
  INPUTS.CLOSE_RECEIVED(client);
  INPUTS.CLOSE_WRITTEN(client);
  expect([client.endpoint.state, client.wire.log]).toEqual(['DONE', []]);
  INPUTS.TIMED_OUT(client);
  expect([client.endpoint.state, client.wire.log]).toEqual(['ENDED', ['end']]);
  INPUTS.TIMED_OUT(client);
  expect(client.wire.log).toEqual(['end', 'destroy']);
});

test('RFC 6455 §7.1.5: what is told is the code of the peer, 1006 without its Close', () => {
  const answered = open('server');
  INPUTS.CLOSE_CALLED(answered);
  INPUTS.CLOSE_WRITTEN(answered);
  INPUTS.CLOSE_RECEIVED(answered);
  INPUTS.WIRE_CLOSED(answered);
  expect([answered.application.told, answered.endpoint.wasClean]).toEqual([[1001], true]);

  const dropped = open('server');
  INPUTS.CLOSE_CALLED(dropped);
  INPUTS.CLOSE_WRITTEN(dropped);
  INPUTS.WIRE_CLOSED(dropped);
  expect([dropped.application.told, dropped.endpoint.wasClean]).toEqual([[1006], false]);
});

test('every state but CLOSED names what happens when the wire closes', () => {
  const states = Object.keys(CLOSING_TABLE) as ClosingState[];
  const open = states.filter((state) => CLOSING_TABLE[state].WIRE_CLOSED === undefined);
  expect(open).toEqual(['CLOSED']);
});
