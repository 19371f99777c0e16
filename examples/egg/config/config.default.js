module.exports = {
  // They encrypt the cookie: the first one encrypts, all decrypt. A real site has its own, outside the code.
  keys: process.env.SESSION_SECRET ?? 'only for trying it out',
  session: { maxAge: 30 * 60_000, renew: true, sameSite: 'lax' },
};
