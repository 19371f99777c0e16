import http from 'node:http';
import { Duplex } from 'node:stream';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const stock = require('express-session');
const ours = require('@sessile/express');
const { MemoryStore } = await import('@sessile/store-memory');
import { Pool } from './lib/sessions.js';
const pool = new Pool(100);
const signature = require('cookie-signature');
const N = Number(process.argv[3] ?? 4000);
const only = process.argv[2];
class Sink extends Duplex { _read() {} _write(c, e, cb) { cb(); } }
const SECRET='a secret that is long enough';
const cookies = pool.sids.map((sid) => `connect.sid=${encodeURIComponent('s:' + signature.sign(sid, SECRET))}`);
async function one(mw, kind, i) {
  const req = new http.IncomingMessage(null); req.method='GET'; req.url='/'; req.httpVersion='1.1'; req.httpVersionMajor=1; req.httpVersionMinor=1; req.socket = sink;
  req.headers = kind === 'anonymous' ? {} : { cookie: cookies[i % cookies.length] };
  const res = new http.ServerResponse(req);
  const s = sink; 
  res.assignSocket(s);
  await new Promise((resolve) => {
    res.on('finish', () => { res.detachSocket(s); resolve(); });
    const handler = (e) => { if (e) throw e;
      if (kind === 'read') res.end(String(req.session?.n));
      else if (kind === 'write') { if (req.session) req.session.n = (req.session.n ?? 0) + 1; res.end('w'); }
      else if (kind === 'anonymous') res.end(String(req.session?.user));
      else res.end('x'); };
    if (mw) mw(req, res, handler); else handler();
  });
}
const sink = new Sink();
sink.setMaxListeners(0);
const opts = { secret: SECRET, resave: false, saveUninitialized: false, cookie: { maxAge: 86400000 } };
const mk = { bare: () => null, stock: () => stock({ ...opts, store: new stock.MemoryStore() }), ours: () => ours({ ...opts, store: new MemoryStore() }), oursclassic: () => ours({ ...opts, store: new ours.MemoryStore() }) };
if (process.env.ONLY) for (const k of Object.keys(mk)) if (!process.env.ONLY.split(",").includes(k)) delete mk[k];
for (const kind of ['read', 'write', 'anonymous', 'unseen']) {
  if (only && only !== kind && only !== 'all') continue;
  const res = {};
  const mws = {};
  for (const name of Object.keys(mk)) { 
    let store; const m = name === 'bare' ? null : (name === 'stock' ? (store = new stock.MemoryStore(), stock({ ...opts, store })) : name === 'ours' ? (store = new MemoryStore(), ours({ ...opts, store })) : (store = new ours.MemoryStore(), ours({ ...opts, store })));
    if (store) for (let i = 0; i < 100; i++) { const x = pool.session(i); const c = new stock.Cookie({maxAge: 86400000}); await new Promise((r) => store.set(pool.sids[i], { cookie: c.toJSON(), ...Object.fromEntries(Object.entries(x).filter(([k]) => k !== 'cookie')), n: 0 }, r)); }
    mws[name] = m; res[name] = []; }
  for (let round = 0; round < 7; round++) for (const name of Object.keys(mk)) {
    const b = process.cpuUsage(); for (let i = 0; i < N; i++) await one(mws[name], kind, i);
    const d = process.cpuUsage(b); if (round) res[name].push((d.user + d.system) / N);
  }
  const med = (a) => a.sort((x, y) => x - y)[a.length >> 1];
  const m = Object.fromEntries(Object.entries(res).map(([k, v]) => [k, med(v)]));
  console.log(kind, Object.entries(m).map(([k, v]) => `${k} ${v.toFixed(1)}`).join('  '), 'ratio ours/stock added', ((m.ours - m.bare) / (m.stock - m.bare)).toFixed(2), 'classic', ((m.oursclassic - m.bare) / (m.stock - m.bare)).toFixed(2));
}
