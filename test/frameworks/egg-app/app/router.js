module.exports = (app) => {
  app.get('*', async (ctx) => {
    ctx.body = await app.options.answer(ctx);
  });
};
