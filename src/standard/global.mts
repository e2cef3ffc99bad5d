/** What ESM programs get from `ws6455/standard/global`. */

import './global.js';
