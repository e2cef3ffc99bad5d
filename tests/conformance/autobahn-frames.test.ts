/** Autobahn groups 1 to 5 and 10: whole messages, pings, reserved bits and opcodes, fragments. */
import { autobahn } from './autobahn-suite.js';

autobahn('1', '2', '3', '4', '5', '10');
