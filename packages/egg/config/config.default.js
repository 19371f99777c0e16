// @ts-check
/** What `config.session` is where the app says nothing. */
exports.session = {
  /** How long a session lives after it was last saved, in ms; `'session'`: until the browser is closed. */
  maxAge: 86_400_000,
  /** The name of the cookie. */
  key: 'EGG_SESS',
  httpOnly: true,
  /** Encrypts the cookie with `config.keys`, and so signs it too. */
  encrypt: true,
  /** Whether log lines of sessions that are not taken show what was stored. */
  logValue: true,
};
