/** What ESM programs get from `ws6455/protocol`: the very same objects as those that call `require`. */

export type * from './protocol.js';
export {
  acceptFor,
  answerHandshake,
  ClientProtocol,
  CloseCode,
  decodeFrames,
  encodeFrame,
  FrameDecoder,
  FrameHeader,
  HandshakeError,
  isCloseCode,
  Opcode,
  ProtocolError,
  readHeader,
  ServerProtocol,
  startHandshake,
} from './protocol.js';
