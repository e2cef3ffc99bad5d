/** `ws6455/protocol`: RFC 6455 without a socket and without a clock. */

export { HandshakeError } from './handshake/errors.js';
export { acceptFor } from './handshake/fields.js';
export { CloseCode, isCloseCode } from './protocol/close.js';
export { ProtocolError } from './protocol/errors.js';
export { FrameHeader, Opcode, readHeader } from './protocol/frame.js';
export { decodeFrames } from './sans-io/decode-frames.js';
export { encodeFrame } from './sans-io/encode-frame.js';
export { answerHandshake, offerHandshake } from './sans-io/opening-handshake.js';
export { ClientProtocol, ServerProtocol } from './sans-io/peer-protocol.js';
