module.exports = {
  keys: process.env.SESSION_SECRET ?? 'only for trying it out',
  session: { maxAge: 86_400_000 },
};
