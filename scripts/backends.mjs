import { serveBackends } from '@sessile/testkit';

/** Servers start when a test first asks for one, are shared by all, and stop at the end of the run. */
export default async function setup() {
  const stop = await serveBackends();
  return async () => {
    const used = await stop();
    if (used.length > 0) console.log(['\nServers:', ...used].join('\n  '));
  };
}
