// `ws6455/protocol`: values and types in CommonJS and in ESM.
import { deepStrictEqual, strictEqual } from 'node:assert';
import {
  answerHandshake,
  type ClientHandshakeOptions,
  ClientProtocol,
  type DecodedFrame,
  decodeFrames,
  encodeFrame,
  HandshakeError,
  type ProtocolEvent,
  ServerProtocol,
  startHandshake,
} from 'ws6455/protocol';

const options: ClientHandshakeOptions = { perMessageDeflate: true, fields: [['Cookie', 'a=1']] };
const handshake = startHandshake('ws://a.example/', options);
const answer = answerHandshake(handshake.request, { perMessageDeflate: true });
if (answer === undefined || answer.error !== undefined) throw new Error('refused');
const status: 101 = answer.status;
const agreement = handshake.readResponse(answer.response);

const server = new ServerProtocol({ extension: answer.extension });
const client = new ClientProtocol({ extension: agreement?.extension });
client.send('Hello');
server.receive(client.bytesToSend());

function inShort(event: ProtocolEvent): string {
  if (event.type === 'message') return event.data.toString();
  return event.type === 'close' ? String(event.code) : event.type;
}

const [frame] = decodeFrames(encodeFrame({ payload: 'Hello', masked: true })).frames;
const whole: DecodedFrame | undefined = frame;

strictEqual(status, 101);
deepStrictEqual(server.events().map(inShort), ['Hello']);
strictEqual(whole?.message, 'Hello');
strictEqual(new HandshakeError('INVALID_KEY').code, 'WS_ERR_INVALID_KEY');
