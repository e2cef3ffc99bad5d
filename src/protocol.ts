/** `ws6455/protocol`: RFC 6455 and RFC 7692 without a socket and without a clock. */

export { HandshakeError } from './handshake/errors.js';
export type { Fields } from './handshake/fields.js';
export { acceptFor } from './handshake/fields.js';
export type { HttpHead } from './handshake/http-head.js';
export type { FieldLine } from './handshake/server.js';
export type { PerMessageDeflateOptions } from './permessage-deflate/options.js';
export type { ClosingState } from './protocol/close.js';
export { CloseCode, isCloseCode } from './protocol/close.js';
export { ProtocolError } from './protocol/errors.js';
export type { Extension } from './protocol/extension.js';
export { FrameHeader, Opcode, readHeader } from './protocol/frame.js';
export type { FillMask } from './protocol/mask.js';
export type { ClientHandshake, ClientHandshakeOptions } from './sans-io/client-handshake.js';
export { startHandshake } from './sans-io/client-handshake.js';
export type {
  DecodedFrame,
  DecodedFrames,
  DecodedHeader,
  DecodeOptions,
  FrameViolation,
  IncompleteFrame,
} from './sans-io/decode-frames.js';
export { decodeFrames, FrameDecoder } from './sans-io/decode-frames.js';
export type { FrameFields } from './sans-io/encode-frame.js';
export { encodeFrame } from './sans-io/encode-frame.js';
export type { FrameField } from './sans-io/frame-fields.js';
export type {
  ClientProtocolOptions,
  MessageOptions,
  ProtocolOptions,
} from './sans-io/peer-protocol.js';
export { ClientProtocol, ServerProtocol } from './sans-io/peer-protocol.js';
export type {
  ConnectionClosed,
  ConnectionFailed,
  ControlReceived,
  EndRequested,
  MessageReceived,
  ProtocolEvent,
  TimerRequested,
} from './sans-io/protocol-events.js';
export type {
  AcceptedHandshake,
  HandshakeAgreement,
  HandshakeRequestHead,
  RefusedHandshake,
  ServerHandshakeOptions,
} from './sans-io/server-handshake.js';
export { answerHandshake } from './sans-io/server-handshake.js';
