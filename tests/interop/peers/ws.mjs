/** npm `ws`, both roles. */
import { createRequire } from 'node:module';
import { faceModule } from '../support/ws-api.mjs';

const { version } = createRequire(import.meta.url)('ws/package.json');

await faceModule(`ws ${version}`, 'ws');
