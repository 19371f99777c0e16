/**
 * Names a browser shortly, so that people know their own in a list.
 *
 * @module
 */

/** The order matters: most browsers also claim to be Chrome, and Chrome claims to be Safari. */
const browsers = /** @type {[RegExp, string][]} */ ([
  [/\bEdg/, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/Firefox|FxiOS/, 'Firefox'],
  [/Chrome|CriOS/, 'Chrome'],
  [/Safari/, 'Safari'],
]);

const systems = /** @type {[RegExp, string][]} */ ([
  [/Android/, 'Android'],
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
]);

/**
 * @param {string} [userAgent]
 * @returns {string} `Firefox on Linux`; the first word of what it does not know, such as `curl`
 */
export function browserName(userAgent = '') {
  const browser = named(browsers, userAgent) ?? /^[\w.-]{1,20}/.exec(userAgent)?.[0] ?? 'Unknown browser';
  const system = named(systems, userAgent);
  return system === undefined ? browser : `${browser} on ${system}`;
}

/**
 * @param {[RegExp, string][]} names
 * @param {string} userAgent
 * @returns {string | undefined}
 */
function named(names, userAgent) {
  return names.find(([pattern]) => pattern.test(userAgent))?.[1];
}
