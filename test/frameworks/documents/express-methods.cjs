// express-session's documentation, lines 116 to 125 and 197 to 241: an id of the app's own, and each method of a session in a login.
// The document shows the calls; what surrounds them is ours.
var { randomUUID: genuuid } = require('node:crypto');
var express = require('express');
var session = require('@sessile/express');

var app = express();

app.use(
  session({
    genid: function (req) {
      return genuuid(); // use UUIDs for session IDs
    },
    secret: 'keyboard cat',
  }),
);

app.get('/login', function (req, res, next) {
  req.session.regenerate(function (err) {
    // will have a new session here
    if (err) return next(err);
    req.session.user = 'ada';
    req.session.save(function (err) {
      // session saved
      if (err) return next(err);
      res.redirect('/me');
    });
  });
});

app.get('/remember', function (req, res) {
  var hour = 3600000;
  req.session.cookie.expires = new Date(Date.now() + hour);
  var byDate = req.session.cookie.maxAge;
  req.session.cookie.maxAge = hour;
  res.json({ byDate: byDate, byAge: req.session.cookie.maxAge });
});

app.get('/forget', function (req, res) {
  req.session.cookie.expires = false;
  res.end('until the browser is closed');
});

app.get('/reload', function (req, res, next) {
  req.session.user = 'nobody';
  req.session.reload(function (err) {
    // session updated
    if (err) return next(err);
    res.end(req.session.user);
  });
});

app.get('/logout', function (req, res, next) {
  req.session.destroy(function (err) {
    // cannot access session here
    if (err) return next(err);
    res.end(String(req.session));
  });
});

app.get('/me', function (req, res) {
  req.session.touch();
  res.json({ user: req.session.user, id: req.session.id, same: req.session.id === req.sessionID });
});

var server = app.listen(process.env.PORT, () => console.log('http://localhost:' + server.address().port));
