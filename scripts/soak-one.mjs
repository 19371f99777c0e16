/** Soaks one store, and sends the result to the process that started this one. `node soak-one.mjs <store> <seconds> <seed>` */
import { namespace, ownServer, proxyTo } from '@sessile/testkit';
import { soak, troublesOf } from '@sessile/testkit/soak';
import { STORES } from './soak-stores.mjs';

const TIMEOUT_MS = 1000;
/** After all is closed, until the last connection is gone. */
const CLOSING_MS = 5000;

const [title, seconds, seed] = process.argv.slice(2);
const { args, keeps, open } = STORES[title];
const server = await ownServer(title, { args });
if (server.skip !== undefined) process.send({ title, skip: server.skip });
else await soakOn(server);
process.disconnect();

async function soakOn(server) {
  const end = () => void server.stop().then(() => process.exit(1));
  process.once('SIGINT', end).once('SIGTERM', end);
  const proxy = await proxyTo(server.url, { seed: Number(seed) });
  const name = namespace();
  const stores = [open(proxy.url, name, TIMEOUT_MS), open(proxy.url, name, TIMEOUT_MS)];
  try {
    const site = { server, proxy };
    const options = {
      title,
      timeoutMs: TIMEOUT_MS,
      stores,
      seconds: Number(seconds),
      seed: Number(seed),
      site,
      troubles: troublesOf(keeps),
    };
    const result = await soak(options);
    const left = await close(stores, proxy);
    const findings = left === 0 ? result.findings : [...result.findings, `${left} connections stay open after close()`];
    process.send({ ...result, findings, server: server.from });
  } finally {
    await proxy.close();
    await server.stop();
  }
}

async function close(stores, proxy) {
  await Promise.all(stores.map((store) => store.close()));
  for (const limit = Date.now() + CLOSING_MS; proxy.connections > 0 && Date.now() < limit;)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return proxy.connections;
}
