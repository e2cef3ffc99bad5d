/** What ESM programs get from `ws6455/crossws`: the very same objects as those that call `require`. */

export type * from './crossws.js';
export {
  crosswsAdapter,
  crosswsAdapter as default,
  fromNodeUpgradeHandler,
  WSError,
} from './crossws.js';
