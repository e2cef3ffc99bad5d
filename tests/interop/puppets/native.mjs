/** The built-in WebSocket client of Node, Bun or Deno. See support/puppet.mjs for the protocol. */
import { openNative } from './native-api.mjs';
import { connectOnOrder, report } from './stage.mjs';

connectOnOrder((order) => openNative(order, report, () => process.exit()));
