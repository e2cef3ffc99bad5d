/** A program that imports the package and uses none of its names. */
// biome-ignore lint/correctness/noUnusedImports: that is what it is for
import WebSocket, { WebSocketServer } from 'ws6455';

console.log('nothing of it');
