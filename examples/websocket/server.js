/** A WebSocket that knows who is logged in, counts in the session, and is closed by the logout. Express 5 and ws. */
import session from '@sessile/express';
import { MemoryStore } from '@sessile/store-memory';
import express from 'express';
import { WebSocketServer } from 'ws';

// For Redis: `import { RedisStore } from '@sessile/store-redis'`, and here `new RedisStore({ url: 'redis://localhost:6379' })`.
const store = new MemoryStore();
const sessions = session({
  store,
  secret: process.env.SESSION_SECRET ?? 'only for trying it out',
  cookie: { maxAge: 30 * 60_000, sameSite: 'lax', secure: 'auto' },
});

const app = express();
app.use(express.static(new URL('public', import.meta.url).pathname));
app.use(express.urlencoded());
app.use(sessions);
app.post('/login', async (req, res) => {
  const user = req.body?.user;
  if (typeof user !== 'string' || user === '') {
    res.status(400).type('text').send('Send the field user.\n');
    return;
  }
  await req.session.regenerate();
  Object.assign(req.session, { user, messages: 0 });
  res.redirect(303, '/');
});
app.post('/logout', async (req, res) => {
  await req.session.destroy();
  res.redirect(303, '/');
});

const server = app.listen(Number(process.env.PORT ?? 3000), (error) => {
  if (error) throw error;
  console.log(`WebSocket: http://localhost:${server.address().port}`);
});

const sockets = new WebSocketServer({ noServer: true });
// The upgrade is a request with the same cookies. No middleware sees it, so its session is loaded here.
server.on('upgrade', async (req, socket, head) => {
  socket.on('error', (error) => console.error(error));
  try {
    // `sameSite` keeps other sites' pages from sending this cookie with a form, but not from opening a WebSocket.
    if (!isOfThisSite(req)) return refuse(socket, '403 Forbidden');
    // Looks every 10 seconds whether the session is still there: another process may have ended it.
    const live = await sessions.load(req, { checkMs: 10_000 });
    if (live === null || live.session.user === undefined) return refuse(socket, '401 Unauthorized');
    sockets.handleUpgrade(req, socket, head, (ws) => talk(ws, live));
  } catch (error) {
    console.error(error);
    refuse(socket, '500 Internal Server Error');
  }
});

function isOfThisSite({ headers: { origin, host } }) {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}

function refuse(socket, status) {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
}

function talk(ws, live) {
  // 'destroyed': by a logout in this process; 'gone': elsewhere, or it expired.
  live.on('end', (reason) => ws.close(4001, reason));
  ws.on('close', () => live.close());
  ws.on('error', (error) => console.error(error));
  ws.on('message', (message) => answer(ws, live, message).catch((error) => ws.close(1011, error.code)));
}

async function answer(ws, live, message) {
  // Reads, changes and writes in one step, so that of two windows neither loses the count of the other.
  const session = await store.update(live.id, (session) => void (session.messages += 1));
  if (session !== null) ws.send(`${session.user}, message ${session.messages}: ${message}`);
}
