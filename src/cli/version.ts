/** The version of this package, as in package.json. */
export const VERSION = '0.1.0';

/** The name of this program in recordings. */
export const SOFTWARE = `ws6455/${VERSION}`;
