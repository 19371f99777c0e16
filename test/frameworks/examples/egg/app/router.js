module.exports = (app) => {
  app.router.get('/', async (ctx) => {
    ctx.session.views = (ctx.session.views ?? 0) + 1;
    ctx.body = `views: ${ctx.session.views}`;
  });
};
