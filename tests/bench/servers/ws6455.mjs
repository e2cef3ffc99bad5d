/** The subject's server. */
import { serve } from './application.mjs';
import { loadSubject } from './subject.mjs';

const { WebSocketServer, version } = loadSubject();

await serve(WebSocketServer, version);
