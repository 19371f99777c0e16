// express-session's documentation, lines 180 to 196: a view counter that writes in pieces, and says when the session ends.
var express = require('express');
var session = require('@sessile/express');

var app = express();

app.use(session({ secret: 'keyboard cat', cookie: { maxAge: 60000 } }));

app.get('/', function (req, res, next) {
  var sess = req.session;
  if (sess.views) {
    sess.views++;
    res.setHeader('Content-Type', 'text/html');
    res.write('<p>views: ' + sess.views + '</p>');
    res.write('<p>expires in: ' + sess.cookie.maxAge / 1000 + 's</p>');
    res.end();
  } else {
    sess.views = 1;
    res.end('welcome to the session demo. refresh!');
  }
});

var server = app.listen(process.env.PORT, () => console.log('http://localhost:' + server.address().port));
