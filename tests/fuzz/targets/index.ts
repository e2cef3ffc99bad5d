import type { Target } from '../target.js';
import { againstWs } from './against-ws.js';
import { frames, sequences } from './frames.js';
import { payloads } from './payloads.js';
import { requests } from './requests.js';
import { requestsAgainstWs } from './requests-against-ws.js';
import { responses } from './responses.js';
import { responsesAgainstWs } from './responses-against-ws.js';

export const TARGETS: readonly Target[] = [
  requests,
  responses,
  frames,
  sequences,
  payloads,
  againstWs,
  requestsAgainstWs,
  responsesAgainstWs,
];
