/**
 * What a case must end in, worked out from its frames by a second, slow reading of RFC 6455; the
 * accounting test holds it against the sentence and the close facts of the case.
 */
import { isUtf8 } from 'node:buffer';
import { OPCODE } from '../support/frames.js';
import type { Case } from './cases.js';
import { type Planned, planOf } from './script.js';
import { isWireCode } from './strict-reader.js';
import { inShort } from './wire-bytes.js';

export interface Expectation {
  /** what comes back before the Close, in order, with a mark for every pause */
  list: string[];
  firstCloseBy: 'tester' | 'library';
  /** the code of the library's Close; 1005 = without one */
  code: number;
  /** the reason of the tester's own Close */
  reason: string;
  /** the code of the local 'error', if there is one */
  error: string | undefined;
}

interface Ending {
  code: number;
  reason?: string;
  error?: string;
}

const violation = (error: string, code = 1002): Ending => ({ code, error });

class Reading {
  readonly list: string[] = [];
  ending: Ending | undefined;
  /** the peer sent a Close, if perhaps a bad one */
  byPeer = false;
  #message: { opcode: number; parts: Buffer[] } | undefined;

  take(frame: Planned): void {
    this.ending = this.#header(frame) ?? this.#body(frame);
  }

  /** RFC 6455 §5.2, §5.4, §5.5: what the header alone forbids. */
  #header({ rsv, opcode, fin, payload }: Planned): Ending | undefined {
    if ((rsv & 3) !== 0) return violation('WS_ERR_UNEXPECTED_RSV_2_3');
    if (rsv !== 0) return violation('WS_ERR_UNEXPECTED_RSV_1');
    if ((opcode > 2 && opcode < 8) || opcode > 10) return violation('WS_ERR_INVALID_OPCODE');
    if (opcode < 8) {
      const goesOn = opcode === OPCODE.CONTINUATION;
      if (goesOn !== (this.#message !== undefined)) return violation('WS_ERR_INVALID_OPCODE');
      return undefined;
    }
    this.byPeer = opcode === OPCODE.CLOSE;
    if (!fin) return violation('WS_ERR_EXPECTED_FIN');
    const tooShort = opcode === OPCODE.CLOSE && payload.length === 1;
    if (tooShort || payload.length > 125) return violation('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH');
    return undefined;
  }

  #body({ opcode, fin, payload }: Planned): Ending | undefined {
    if (opcode === OPCODE.PING) this.list.push(`pong ${inShort(payload)}`);
    if (opcode === OPCODE.CLOSE) return this.#close(payload);
    if (opcode >= 8) return undefined;
    const message = this.#message ?? { opcode, parts: [] };
    message.parts.push(payload);
    this.#message = fin ? undefined : message;
    return fin ? this.#deliver(message.opcode, Buffer.concat(message.parts)) : undefined;
  }

  #deliver(opcode: number, payload: Buffer): Ending | undefined {
    if (opcode === OPCODE.BINARY) this.list.push(`binary ${inShort(payload)}`);
    else if (isUtf8(payload)) this.list.push(`text ${inShort(payload)}`);
    else return violation('WS_ERR_INVALID_UTF8', 1007);
    return undefined;
  }

  #close(payload: Buffer): Ending {
    if (payload.length === 0) return { code: 1005 };
    const code = payload.readUInt16BE(0);
    if (!isWireCode(code)) return violation('WS_ERR_INVALID_CLOSE_CODE');
    if (!isUtf8(payload.subarray(2))) return violation('WS_ERR_INVALID_UTF8', 1007);
    return { code, reason: payload.toString('utf8', 2) };
  }
}

/** 6.4: open after the first pause, failed within the second. */
const EARLY_FAILURE = ['still open', 'failed'];

export function expectationOf(one: Case): Expectation {
  if (one.id.startsWith('6.4.')) {
    const list = EARLY_FAILURE;
    const error = 'WS_ERR_INVALID_UTF8';
    return { list, firstCloseBy: 'library', code: 1007, reason: '', error };
  }
  const reading = new Reading();
  for (const planned of planOf(one)) {
    if (planned === 'pause') reading.list.push('still open');
    else if (reading.ending === undefined) reading.take(planned);
  }
  const { messages = 0, messageSize = 0, type = 'text' } = one.params ?? {};
  const trip = `${type} ${inShort(Buffer.alloc(messageSize, type === 'binary' ? 0xfe : 0x2a))}`;
  for (let i = 0; i < messages; i++) reading.list.push(trip);
  const { byPeer, list } = reading;
  const ending: Ending = reading.ending ?? { code: 1000 };
  const firstCloseBy = ending.error === undefined || byPeer ? 'tester' : 'library';
  const { code, reason = '', error } = ending;
  return { list, firstCloseBy, code, reason, error };
}
