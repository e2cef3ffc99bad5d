/**
 * RFC 7692: the class `PerMessageDeflate` with the interface of `ws`. Programs that create receivers
 * and senders themselves negotiate and compress with it. It uses the codec of connections.
 */

import { Buffer } from 'node:buffer';
import { time } from '../connection/time.js';
import { zlibPool } from '../connection/zlib.js';
import { PerMessageDeflate as Codec, DEFAULT_THRESHOLD } from '../permessage-deflate/codec.js';
import type { PerMessageDeflateOptions } from '../permessage-deflate/options.js';
import {
  acceptOffer,
  acceptResponse,
  EXTENSION_NAME,
  makeOffer,
  type Negotiation,
} from '../permessage-deflate/parameters.js';
import { ProtocolError } from '../protocol/errors.js';
import type { ExtensionOffer, Parameter } from '../protocol/extension.js';
import type { Role } from '../protocol/receiver.js';

/** Parameters with lists of values, as `extension.parse` returns them. */
export type ParsedParameters = { [name: string]: (string | true)[] };

/** Parameters with one value each, as `extension.format` accepts them. */
export type AgreedParameters = { [name: string]: number | true };

/** Receives the compressed or decompressed data. */
export type ProcessedCallback = (error: Error | null, data?: Buffer) => void;

/** Settings of {@link PerMessageDeflate}. */
export interface PerMessageDeflateSettings extends PerMessageDeflateOptions {
  /** Whether it is used by a server. Default false. */
  isServer?: boolean | undefined;
  /** The maximum length of a decompressed message, in bytes. Default: no limit. */
  maxPayload?: number | undefined;
}

type Task = (finished: ProcessedCallback) => void;

interface Job {
  readonly task: Task;
  readonly callback: ProcessedCallback;
}

const NOTHING = Buffer.alloc(0);

/** Runs jobs one at a time, first in, first out. */
class SerialQueue {
  private readonly waiting: Job[] = [];
  private busy = false;

  add(task: Task, callback: ProcessedCallback): void {
    this.waiting.push({ task, callback });
    if (!this.busy) this.next();
  }

  /** Calls the callbacks of all jobs with an error. */
  cancel(error: Error): void {
    for (const { callback } of this.waiting.splice(0)) callback(error);
  }

  /** Calls the callback of a job, unless it was cancelled. */
  private complete(job: Job, error: Error | null, data: Buffer | undefined): void {
    if (this.waiting[0] !== job) return;
    this.waiting.shift();
    job.callback(error, data);
  }

  private next(): void {
    const [job] = this.waiting;
    this.busy = job !== undefined;
    job?.task((error, data) => {
      try {
        this.complete(job, error, data);
      } finally {
        this.next();
      }
    });
  }
}

/** RFC 7692 with the interface of `ws`. */
export class PerMessageDeflate {
  /** 'permessage-deflate' */
  static get extensionName(): string {
    return EXTENSION_NAME;
  }

  /** The agreed parameters; null until `accept`. */
  params: AgreedParameters | null = null;
  /** @internal a Sender decides with these whether to compress */
  readonly _isServer: boolean;
  /** @internal */
  readonly _threshold: number;

  private readonly settings: PerMessageDeflateSettings;
  private readonly compressing = new SerialQueue();
  private readonly decompressing = new SerialQueue();
  private codec: Codec | undefined;
  private fragments: Buffer[] = [];
  /** The length of `fragments` in bytes. */
  private kept = 0;

  constructor(settings?: PerMessageDeflateSettings | null) {
    this.settings = settings ?? {};
    this._isServer = this.settings.isServer === true;
    this._threshold = this.settings.threshold ?? DEFAULT_THRESHOLD;
  }

  /** Returns the parameters of a client's offer. */
  offer(): AgreedParameters {
    return valuesOf(makeOffer(this.settings));
  }

  /**
   * Server: accepts an offer. Client: checks the response.
   * @returns the parameters of the response
   * @throws Error or TypeError if none is acceptable
   */
  accept(parsed: readonly ParsedParameters[]): AgreedParameters {
    const role = this._isServer ? 'server' : 'client';
    const offers = parsed.map((one) => readParameters(one, role));
    const negotiation = negotiate(role, offers, this.settings);
    this.codec = new Codec(role, negotiation, this.settings, zlibPool);
    // As in `ws`: no prototype, if `extension.parse` made the offers.
    const params: AgreedParameters = Object.create(Object.getPrototypeOf(parsed[0] ?? {}));
    this.params = Object.assign(params, valuesOf(negotiation.response));
    if (role === 'client' && typeof this.settings.clientMaxWindowBits === 'number') {
      this.params['client_max_window_bits'] ??= this.settings.clientMaxWindowBits;
    }
    return this.params;
  }

  /** Compresses a message or a fragment. The last fragment has `fin`. RFC 7692 §7.2.1. */
  compress(data: Buffer | string, fin: boolean, callback: ProcessedCallback): void {
    const payload = typeof data === 'string' ? Buffer.from(data) : data;
    const codec = this.agreed();
    this.compressing.add((finished) => {
      // As a fragment: a whole message may be returned unencoded, but the caller has set the bit.
      const done = (result: Buffer | Error) =>
        Buffer.isBuffer(result) ? finished(null, result) : finished(result);
      const result = codec.encode(payload, false, fin, done);
      if (result !== undefined) time.setImmediate(done, result);
    }, callback);
  }

  /** Decompresses a message. Fragments are kept until the last one, which has `fin`. */
  decompress(data: Buffer, fin: boolean, callback: ProcessedCallback): void {
    const codec = this.agreed();
    const { maxPayload = 0 } = this.settings;
    this.fragments.push(data);
    this.kept += data.length;
    const isTooLong = maxPayload > 0 && this.kept > maxPayload;
    const payload = fin || isTooLong ? this.takeFragments() : undefined;
    this.decompressing.add((finished) => {
      const done = (result: Buffer | Error) =>
        Buffer.isBuffer(result) ? finished(null, result) : finished(result);
      if (isTooLong) time.setImmediate(done, new ProtocolError('UNSUPPORTED_MESSAGE_LENGTH'));
      else {
        const result = payload ? codec.decode(payload, maxPayload, done) : NOTHING;
        if (result !== undefined) time.setImmediate(done, result);
      }
    }, callback);
  }

  private takeFragments(): Buffer {
    this.kept = 0;
    return Buffer.concat(this.fragments.splice(0));
  }

  /** Cancels all jobs. */
  cleanup(): void {
    const error = new Error('The deflate stream was closed while data was being processed');
    this.compressing.cancel(error);
    this.decompressing.cancel(error);
    this.takeFragments();
  }

  private agreed(): Codec {
    if (this.codec === undefined) {
      throw new Error('PerMessageDeflate: accept() must come before compress() and decompress()');
    }
    return this.codec;
  }
}

function negotiate(
  role: Role,
  offers: readonly ExtensionOffer[],
  settings: PerMessageDeflateSettings,
): Negotiation {
  if (role === 'client') return checkResponse(offers[0], settings);
  const negotiation = acceptOffer(offers, settings);
  if (negotiation === undefined) throw new Error('None of the extension offers can be accepted');
  return negotiation;
}

function checkResponse(
  response: ExtensionOffer = { name: EXTENSION_NAME, parameters: [] },
  settings: PerMessageDeflateSettings,
): Negotiation {
  const negotiation = acceptResponse(response, settings);
  if (negotiation !== undefined) return negotiation;
  const refused = response.parameters.some(([name]) => name === 'client_no_context_takeover');
  if (refused && settings.clientNoContextTakeover === false) {
    throw new Error('Unexpected parameter "client_no_context_takeover"');
  }
  throw new Error('Unexpected or invalid parameter "client_max_window_bits"');
}

/** @throws Error or TypeError with the name of an invalid parameter */
function readParameters(parsed: ParsedParameters, role: Role): ExtensionOffer {
  const parameters = Object.entries(parsed).map(([name, values]): Parameter => {
    if (values.length > 1) throw new Error(`Parameter "${name}" must have only a single value`);
    const [value = true] = values;
    checkParameter(name, value, role);
    return [name, value];
  });
  return { name: EXTENSION_NAME, parameters };
}

function checkParameter(name: string, value: string | true, role: Role): void {
  let isValid = false;
  if (/^(server|client)_no_context_takeover$/.test(name)) isValid = value === true;
  else if (name === 'client_max_window_bits' && value === true) isValid = role === 'server';
  else if (/^(server|client)_max_window_bits$/.test(name))
    isValid = /^([89]|1[0-5])$/.test(String(value));
  else throw new Error(`Unknown parameter "${name}"`);
  if (!isValid) throw new TypeError(`Invalid value for parameter "${name}": ${value}`);
}

/** Returns parameters as an object. Window bits are numbers. */
function valuesOf({ parameters }: ExtensionOffer): AgreedParameters {
  return Object.fromEntries(
    parameters.map(([name, value]) => [name, value === true ? value : Number(value)]),
  );
}
