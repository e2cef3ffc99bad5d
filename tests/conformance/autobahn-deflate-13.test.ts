/**
 * Autobahn group 13: permessage-deflate, negotiated parameters. How many of the 1000 messages of a case are sent,
 * and how they are cut, stands in `compressedRunsOf`; AUTOBAHN_LARGE=1 sends all of them.
 */
import { jest } from '@jest/globals';
import { autobahnCompressed } from './autobahn-compressed.js';
import { LARGE } from './cases.js';

jest.setTimeout(LARGE ? 600_000 : 30_000);

autobahnCompressed('13');
