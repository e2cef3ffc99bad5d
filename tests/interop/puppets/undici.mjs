/** The WebSocket client of npm's undici, in the place of the built-in one. */
import { WebSocket } from 'undici';

globalThis.WebSocket = WebSocket;
await import('./native.mjs');
