module.exports = (app) => {
  const { router } = app;

  router.get('/', (ctx) => {
    ctx.session.views = (ctx.session.views ?? 0) + 1;
    const { views, user } = ctx.session;
    ctx.body = user === undefined ? `views: ${views}\n` : `views: ${views}, user: ${user}\n`;
  });

  router.post('/login', async (ctx) => {
    const { user } = ctx.request.body;
    ctx.assert(typeof user === 'string' && user !== '', 400, 'Send the field user.');
    // A new id at each login: whoever knew the old one would else be logged in too. The data stay.
    await ctx.session.regenerate();
    ctx.session.user = user;
    see(ctx, '/');
  });

  router.post('/logout', (ctx) => {
    // Ends it on the server, too: a copy of the cookie opens nothing.
    ctx.session = null;
    see(ctx, '/');
  });
};

/** Sends the browser to another page, which it asks for by GET. */
function see(ctx, path) {
  ctx.status = 303;
  ctx.redirect(path);
}
