/** What the inspector says about each line of a handshake. */

import { describe, expect, test } from '@jest/globals';
import { describeRequest, describeResponse } from '../../../src/inspect/handshake-lines.js';
import {
  SAMPLE_ACCEPT,
  SAMPLE_KEY,
  upgradeRequest,
  upgradeResponse,
} from '../../support/requests.js';

const violations = (lines: readonly { text: string; violation?: string | undefined }[]) =>
  lines.flatMap(({ text, violation }) => (violation === undefined ? [] : [[text, violation]]));

const REQUEST = upgradeRequest({
  add: [
    ['Origin', 'http://a.example'],
    ['Cookie', 'a=b'],
    ['Sec-WebSocket-Protocol', 'chat, news'],
    ['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits'],
    ['X-Other', '1'],
  ],
});

describe('a request', () => {
  const lines = describeRequest(REQUEST);

  test('that is right has no violation, and every line has a meaning and a section', () => {
    expect(violations(lines)).toEqual([]);
    expect(lines).toHaveLength(11);
    expect(lines.filter(({ meaning, rfc }) => meaning === '' || !rfc.startsWith('RFC '))).toEqual(
      [],
    );
    expect(lines.map(({ text }) => text).join('\r\n')).toBe(REQUEST.trim());
  });

  test('shows the bytes of the key', () => {
    expect(lines[4]?.text).toBe(`Sec-WebSocket-Key: ${SAMPLE_KEY}`);
    expect(lines[4]?.meaning).toContain('16 random bytes in base64: 74 68 65 20 73 61 6d 70 6c 65');
  });

  test('explains the parameters of its extensions', () => {
    expect(lines[9]?.meaning).toBe(
      'The client offers: permessage-deflate: messages may be compressed with DEFLATE. ' +
        'client_max_window_bits: the client can limit how far back it looks',
    );
  });

  test.each([
    ['GET /chat HTTP/1.1', 'POST /chat HTTP/1.1', 'Invalid HTTP method'],
    ['HTTP/1.1', 'HTTP/1.0', 'Invalid HTTP version: HTTP/1.1 or higher is needed'],
    ['server.example.com', 'a b', 'Missing or invalid Host header'],
    ['Upgrade: websocket', 'Upgrade: h2c', 'Invalid Upgrade header'],
    ['Connection: Upgrade', 'Connection: close', 'Invalid Connection header'],
    [SAMPLE_KEY, 'short', 'Missing or invalid Sec-WebSocket-Key header'],
    ['Version: 13', 'Version: 8', 'Missing or invalid Sec-WebSocket-Version header'],
    ['chat, news', 'chat, chat', 'Invalid Sec-WebSocket-Protocol header'],
    ['client_max', '=client_max', 'Invalid or unacceptable Sec-WebSocket-Extensions header'],
    ['X-Other: 1', 'Sec-WebSocket-Accept: x', 'Sec-WebSocket-Accept is not for requests'],
    ['X-Other: 1', 'no field', 'A field is "name: value"'],
  ])('with %j replaced by %j breaks a rule', (right, wrong, violation) => {
    const found = violations(describeRequest(REQUEST.replace(right, wrong)));
    expect(found).toEqual([[expect.stringContaining(wrong), violation]]);
  });
});

describe('a response', () => {
  const RESPONSE = upgradeResponse(
    SAMPLE_KEY,
    'Sec-WebSocket-Protocol: chat',
    'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10; ' +
      'server_no_context_takeover; client_no_context_takeover; client_max_window_bits=9; x=1',
  );
  const lines = describeResponse(RESPONSE, REQUEST);

  test('that is right has no violation', () => {
    expect(violations(lines)).toEqual([]);
  });

  test('shows how Sec-WebSocket-Accept is computed', () => {
    expect(lines[3]?.meaning).toBe(
      `The answer to Sec-WebSocket-Key: base64(SHA-1("${SAMPLE_KEY}" + ` +
        `"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) = ${SAMPLE_ACCEPT}, which is the value`,
    );
  });

  test('explains the parameters that were agreed on', () => {
    expect(lines[5]?.meaning).toBe(
      'Both use: permessage-deflate: messages may be compressed with DEFLATE. ' +
        'server_max_window_bits: the server looks back at most 1024 bytes. ' +
        'server_no_context_takeover: the server compresses each message on its own. ' +
        'client_no_context_takeover: the client compresses each message on its own. ' +
        'client_max_window_bits: the client looks back at most 512 bytes. ' +
        'x: no parameter of permessage-deflate',
    );
  });

  test.each([
    [SAMPLE_ACCEPT, 'AAAA', 'Invalid Sec-WebSocket-Accept header'],
    ['Protocol: chat', 'Protocol: other', 'Server sent an invalid subprotocol'],
    ['permessage-deflate', 'x-other', 'Server indicated an extension that was not requested'],
    ['permessage-deflate', '=', 'Invalid Sec-WebSocket-Extensions header'],
    ['101 Switching Protocols', '404 Not Found', 'Unexpected server response: 404'],
  ])('with %j replaced by %j breaks a rule', (right, wrong, violation) => {
    const found = violations(describeResponse(RESPONSE.replace(right, wrong), REQUEST));
    expect(found).toEqual([[expect.stringContaining(wrong), violation]]);
  });

  test('without a request is explained too', () => {
    expect(violations(describeResponse(RESPONSE, ''))).toEqual([]);
  });

  test('may not choose what was not asked for', () => {
    const found = violations(describeResponse(RESPONSE, upgradeRequest()));
    expect(found.map(([, violation]) => violation)).toEqual([
      'Server sent a subprotocol but none was requested',
      'Server sent a Sec-WebSocket-Extensions header but no extension was requested',
    ]);
  });
});
