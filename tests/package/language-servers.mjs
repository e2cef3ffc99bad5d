/**
 * "Go to definition" as editors ask for it, of the two kinds of server there are: tsserver (TypeScript
 * up to 6), and the Language Server Protocol (TypeScript 7). Positions count from 0.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const TIMEOUT = 60_000;

/** The JSON messages of a stream, each behind a header with its length. */
async function* messages(stream) {
  let received = Buffer.alloc(0);
  for await (const chunk of stream) {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const bodyAt = received.indexOf('\r\n\r\n') + 4;
      const header = /Content-Length: (\d+)/.exec(received.toString('latin1', 0, bodyAt));
      const end = bodyAt + Number(header?.[1]);
      if (header === null || received.length < end) break;
      yield JSON.parse(received.toString('utf8', bodyAt, end));
      received = received.subarray(end);
    }
  }
}

/** A language server in a process of its own. One question at a time. */
class LanguageServer {
  #process;
  #messages;

  constructor(command, parameters) {
    const options = { stdio: ['pipe', 'pipe', 'inherit'], timeout: TIMEOUT };
    this.#process = spawn(command, parameters, options);
    this.#messages = messages(this.#process.stdout);
  }

  write(text) {
    this.#process.stdin.write(text);
  }

  /** @returns the first message that `isMeant`; others go to `onOther`. */
  async next(isMeant, onOther = () => {}) {
    for (;;) {
      const { value, done } = await this.#messages.next();
      if (done) throw new Error('the language server ended without an answer');
      if (isMeant(value)) return value;
      onOther(value);
    }
  }

  kill() {
    this.#process.kill();
  }
}

/** TypeScript 5 and 6: one line of JSON for each request. Lines and columns count from 1. */
export class Tsserver extends LanguageServer {
  #sequence = 0;

  constructor(script) {
    super(process.execPath, [script, '--disableAutomaticTypingAcquisition']);
  }

  #send(command, parameters) {
    this.#sequence += 1;
    const request = { seq: this.#sequence, type: 'request', command, arguments: parameters };
    this.write(`${JSON.stringify(request)}\n`);
    return this.#sequence;
  }

  async open(file) {
    this.#send('open', { file });
  }

  async definitions(file, { line, character }) {
    const place = { file, line: line + 1, offset: character + 1 };
    const sequence = this.#send('definitionAndBoundSpan', place);
    const answer = await this.next((message) => message.request_seq === sequence);
    if (!answer.success) throw new Error(answer.message);
    return answer.body.definitions.map((one) => ({
      file: one.file,
      start: { line: one.start.line - 1, character: one.start.offset - 1 },
    }));
  }
}

/** TypeScript 7. */
export class Lsp extends LanguageServer {
  #id = 0;
  #initialized;

  constructor(script) {
    super(process.execPath, [script, '--lsp', '--stdio']);
    const parameters = { processId: process.pid, rootUri: null, capabilities: {} };
    this.#initialized = this.#request('initialize', parameters);
  }

  #send(message) {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  async #request(method, params) {
    this.#id += 1;
    const id = this.#id;
    this.#send({ id, method, params });
    const isAnswer = (message) => message.id === id && message.method === undefined;
    // What the server asks meanwhile, for example for settings, has no answer here.
    const answer = await this.next(isAnswer, (message) => {
      if (message.id !== undefined) this.#send({ id: message.id, result: null });
    });
    if (answer.error) throw new Error(answer.error.message);
    return answer.result;
  }

  async open(file) {
    if (this.#initialized) {
      await this.#initialized;
      this.#initialized = undefined;
      this.#send({ method: 'initialized', params: {} });
    }
    const [uri, text] = [pathToFileURL(file).href, readFileSync(file, 'utf8')];
    const textDocument = { uri, text, languageId: 'typescript', version: 1 };
    this.#send({ method: 'textDocument/didOpen', params: { textDocument } });
  }

  async definitions(file, position) {
    const textDocument = { uri: pathToFileURL(file).href };
    const found = await this.#request('textDocument/definition', { textDocument, position });
    return [found ?? []].flat().map((one) => ({
      file: fileURLToPath(one.uri ?? one.targetUri),
      start: (one.range ?? one.targetSelectionRange).start,
    }));
  }
}
