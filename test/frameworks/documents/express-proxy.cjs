// express-session's documentation, lines 89 to 96: secure cookies behind a proxy.
var express = require('express');
var session = require('@sessile/express');

var app = express();
app.set('trust proxy', 1); // trust first proxy
app.use(
  session({
    secret: 'keyboard cat',
    resave: false,
    saveUninitialized: true,
    cookie: { secure: true },
  }),
);

app.get('/', (req, res) => res.end(req.session.id));

var server = app.listen(process.env.PORT, () => console.log('http://localhost:' + server.address().port));
