/** The subject's client: our own build, or another in its place (WS6455_SUBJECT). */

import { loadSubject } from '../servers/subject.mjs';
import { load } from './application.mjs';

const { WebSocket, version } = loadSubject();

await load(WebSocket, version);
