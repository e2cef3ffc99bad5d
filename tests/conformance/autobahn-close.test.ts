/** Autobahn group 7: the closing handshake. */
import { autobahn } from './autobahn-suite.js';

autobahn('7');
