/** One process. Several, as in production: `require('egg').startCluster({ baseDir: __dirname, workers: 2, port: 3000 })`. */
const egg = require('egg');

void egg.start({ baseDir: __dirname }).then((app) => {
  const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`Egg: http://localhost:${server.address().port}`));
});
