/** The product under test: the built package by its own name. */
import { createRequire } from 'node:module';

const fromRoot = createRequire(new URL('../../../package.json', import.meta.url));

export const { WebSocket, WebSocketServer } = fromRoot('ws6455');
export const topics = fromRoot('ws6455/topics');
