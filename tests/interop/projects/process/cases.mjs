/**
 * What a program does, and which of its frames its peer gets.
 *
 * | the program ends by                                                 | what arrives                                                    |
 * |---------------------------------------------------------------------|-----------------------------------------------------------------|
 * | `process.exit()`, an uncaught exception, an unhandled rejection     | everything, also what a listener of 'message' sent              |
 * | these, with listeners of 'exit' that send                           | everything, whether added before or after the first `send()`    |
 * | SIGTERM or SIGINT with a listener that closes and exits             | everything, and the Close                                       |
 * | SIGTERM or SIGINT without a listener, SIGKILL, `process.abort()`    | all of earlier ticks, the first frame of this one; those behind it may be lost |
 * | any of these behind `close()` or `terminate()`                      | everything that was sent before, and the Close                  |
 * | `process.exit()` or an uncaught exception in a Worker               | everything                                                      |
 * | `worker.terminate()`                                                | all of earlier ticks, the first frame of this one               |
 * | nothing: it computes, or waits in `Atomics.wait`                    | the first frame, at once                                        |
 * | nothing: both sides close                                           | everything, and the process ends by itself                      |
 *
 * While a chunk is read, what listeners send is written at its end: `process.exit()` and exceptions
 * deliver it, signals may not.
 */
import { parentPort } from 'node:worker_threads';

/** Longer than anybody waits for what is to arrive meanwhile. */
const LONG = 60_000;

function block() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LONG);
}

function compute() {
  const end = Date.now() + LONG;
  while (Date.now() < end);
}

/** Nothing of this program runs between the signal and its end. */
function killed(signal) {
  process.kill(process.pid, signal);
  block();
}

function sendThree(ws) {
  for (const text of ['a', 'b', 'c']) ws.send(text);
}

function throwError() {
  throw new Error('the end that this case is about');
}

/** A tick of its own for each of the two. */
function inTwoTicks(first, second) {
  first();
  setImmediate(second);
}

function closeAndExit(ws) {
  process.once('SIGTERM', () => {
    ws.send('c');
    ws.close(1001, 'bye');
    process.exit();
  });
  ws.send('a');
  ws.send('b');
  process.kill(process.pid, 'SIGTERM');
}

/** A listener of 'exit' that is there before the library can have one. */
function sendAtExit() {
  const state = {};
  process.once('exit', () => {
    state.ws.send('d');
    state.ws.send('e');
  });
  return state;
}

const THREE = ['text a', 'text b', 'text c'];
const FIVE = [...THREE, 'text d', 'text e'];
const GOODBYE = [...THREE, 'close 1001 bye'];

/**
 * `all`: exactly these frames arrive. `sent` and `surely`: these in this order, and at least that
 * many. `goesOn`: they arrive while the program still runs.
 */
export const CASES = {};

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL']) {
  CASES[`${signal} behind one send()`] = {
    run(ws) {
      ws.send('bye');
      killed(signal);
    },
    all: ['text bye'],
  };
}

Object.assign(CASES, {
  'SIGKILL behind three': {
    run(ws) {
      sendThree(ws);
      killed('SIGKILL');
    },
    ...{ sent: THREE, surely: 1 },
  },
  'SIGKILL in the tick after': {
    run(ws) {
      inTwoTicks(
        () => sendThree(ws),
        () => killed('SIGKILL'),
      );
    },
    all: THREE,
  },
  'SIGKILL behind a ping()': {
    run(ws) {
      ws.ping('p');
      killed('SIGKILL');
    },
    all: ['ping p'],
  },
  'SIGKILL behind close()': {
    run(ws) {
      sendThree(ws);
      ws.close(1001, 'bye');
      killed('SIGKILL');
    },
    all: GOODBYE,
  },
  'SIGKILL behind terminate()': {
    run(ws) {
      sendThree(ws);
      ws.terminate();
      killed('SIGKILL');
    },
    all: THREE,
  },
  'SIGKILL behind an await in a listener, and a send()': {
    async listener(ws) {
      await null;
      ws.send('bye');
      killed('SIGKILL');
    },
    all: ['text bye'],
  },
  'process.abort() behind one send()': {
    run(ws) {
      ws.send('bye');
      process.abort();
    },
    all: ['text bye'],
  },
  'process.abort() behind close()': {
    run(ws) {
      sendThree(ws);
      ws.close(1001, 'bye');
      process.abort();
    },
    all: GOODBYE,
  },
  'SIGTERM with a listener that closes and exits': { run: closeAndExit, all: GOODBYE },
});

Object.assign(CASES, {
  'process.exit() behind three': {
    run(ws) {
      sendThree(ws);
      process.exit();
    },
    all: THREE,
  },
  "process.exit() in a listener of 'message'": {
    listener(ws) {
      sendThree(ws);
      process.exit();
    },
    all: THREE,
  },
  'process.exit() behind close()': {
    run(ws) {
      sendThree(ws);
      ws.close(1001, 'bye');
      process.exit();
    },
    all: GOODBYE,
  },
  'process.exit() behind a long message': {
    run(ws) {
      ws.send('a');
      ws.send('x'.repeat(40_000));
      ws.send('c');
      process.exit();
    },
    all: ['text a', `text ${'x'.repeat(40_000)}`, 'text c'],
  },
  'an uncaught exception behind three': {
    run(ws) {
      sendThree(ws);
      throwError();
    },
    all: THREE,
  },
  "an uncaught exception in a listener of 'message'": {
    listener(ws) {
      sendThree(ws);
      throwError();
    },
    all: THREE,
  },
  'an unhandled rejection behind three': {
    run(ws) {
      sendThree(ws);
      Promise.reject(new Error('the end that this case is about'));
    },
    all: THREE,
  },
  "a listener of 'exit' that was there first": {
    before: sendAtExit,
    run(ws, state) {
      state.ws = ws;
      sendThree(ws);
      process.exit();
    },
    all: FIVE,
  },
  "a listener of 'exit' that came after the first send()": {
    run(ws) {
      sendThree(ws);
      sendAtExit().ws = ws;
      process.exit();
    },
    all: FIVE,
  },
  "a listener of 'exit' that closes": {
    run(ws) {
      sendThree(ws);
      process.once('exit', () => ws.close(1001, 'bye'));
      process.exit();
    },
    all: GOODBYE,
  },
  "listeners of 'exit' alone, nothing sent before": {
    before: sendAtExit,
    run(ws, state) {
      state.ws = ws;
      throwError();
    },
    all: ['text d', 'text e'],
  },
});

Object.assign(CASES, {
  'process.exit() in a Worker': {
    inWorker: true,
    run(ws) {
      sendThree(ws);
      process.exit();
    },
    all: THREE,
  },
  'an uncaught exception in a Worker': {
    inWorker: true,
    run(ws) {
      sendThree(ws);
      throwError();
    },
    all: THREE,
  },
  "a Worker's listener of 'exit' that sends": {
    inWorker: true,
    before: sendAtExit,
    run(ws, state) {
      state.ws = ws;
      sendThree(ws);
      process.exit();
    },
    all: FIVE,
  },
  'worker.terminate() behind one send()': {
    inWorker: true,
    run(ws) {
      ws.send('bye');
      parentPort.postMessage('terminate');
      block();
    },
    all: ['text bye'],
  },
  'worker.terminate() behind close()': {
    inWorker: true,
    run(ws) {
      sendThree(ws);
      ws.close(1001, 'bye');
      parentPort.postMessage('terminate');
      block();
    },
    all: GOODBYE,
  },
});

Object.assign(CASES, {
  'Atomics.wait behind one send()': {
    run(ws) {
      ws.send('a');
      block();
    },
    ...{ all: ['text a'], goesOn: true },
  },
  'long work behind one send()': {
    run(ws) {
      ws.send('a');
      compute();
    },
    ...{ all: ['text a'], goesOn: true },
  },
  'long work behind a ping()': {
    run(ws) {
      ws.ping('a');
      compute();
    },
    ...{ all: ['ping a'], goesOn: true },
  },
  'long work behind three and close()': {
    run(ws) {
      sendThree(ws);
      ws.close(1001, 'bye');
      compute();
    },
    ...{ all: GOODBYE, goesOn: true },
  },
  'Atomics.wait behind an await in a listener, and a send()': {
    async listener(ws) {
      await null;
      ws.send('a');
      block();
    },
    ...{ all: ['text a'], goesOn: true },
  },
  'close(), and nothing else to do': {
    run(ws) {
      sendThree(ws);
      ws.close(1001, 'bye');
    },
    all: GOODBYE,
  },
});
