/** Autobahn group 6: text that is UTF-8, and text that is not. */
import { autobahn } from './autobahn-suite.js';

autobahn('6');
