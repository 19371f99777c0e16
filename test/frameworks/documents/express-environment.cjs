// express-session's documentation, lines 99 to 110: secure cookies in production, and such as work without TLS elsewhere.
var express = require('express');
var session = require('@sessile/express');

var app = express();
var sess = {
  secret: 'keyboard cat',
  cookie: {},
};

if (app.get('env') === 'production') {
  app.set('trust proxy', 1); // trust first proxy
  sess.cookie.secure = true; // serve secure cookies
}

app.use(session(sess));

app.get('/', (req, res) => {
  req.session.views = (req.session.views || 0) + 1;
  res.end(String(req.session.views));
});

var server = app.listen(process.env.PORT, () => console.log('http://localhost:' + server.address().port));
