/**
 * Autobahn group 9: large messages, many fragments, many round trips. How each is cut stands in
 * `formsOf`; AUTOBAHN_LARGE=1 adds the forms that the normal run leaves out.
 */
import { jest } from '@jest/globals';
import { autobahn } from './autobahn-suite.js';
import { LARGE } from './cases.js';

jest.setTimeout(LARGE ? 600_000 : 60_000);

autobahn('9');
