import { setTimeout as delay } from 'node:timers/promises';
import type { StartedTestContainer } from 'testcontainers';
import { freePorts } from './ports.js';
import { untilReady } from './probes.js';
import type { Recipe } from './recipes.js';
import type { OwnServer, ServerOptions } from './types.js';

const PULL_LIMIT_MS = 180_000;

/** Loaded late: it is large, and not needed where a URL is given. */
async function runtime() {
  const testcontainers = await import('testcontainers');
  return { testcontainers, docker: (await testcontainers.getContainerRuntimeClient()).container.dockerode };
}

/** The image that the environment names, else the official one. */
function imageOf(recipe: Recipe): string {
  return process.env[recipe.image.variable] ?? recipe.image.official;
}

/**
 * Starts a server in a container.
 *
 * @throws Error where no Docker engine answers, or the image is not there and cannot be pulled.
 */
export async function inContainer(recipe: Recipe, { args = [], diskMb }: ServerOptions): Promise<OwnServer> {
  const image = imageOf(recipe);
  const { testcontainers, docker } = await runtime();
  await ensureImage(docker, image);
  const ports = await freePorts(recipe.size ?? 1);
  const started = await new testcontainers.GenericContainer(image)
    .withCommand([...recipe.command(ports, args)])
    .withEnvironment({ ...recipe.environment })
    .withTmpFs(diskOf(recipe, diskMb))
    .withExposedPorts(...ports.map((port) => ({ host: port, container: recipe.samePorts === true ? port : recipe.port })))
    .withWaitStrategy(testcontainers.Wait.forSuccessfulCommand('true'))
    .start();
  await untilReady(recipe.probe, ports).catch((error: unknown) => giveUp(started, error));
  return serverIn(started, docker, recipe, ports);
}

function diskOf({ data }: Recipe, diskMb: number | undefined): Record<string, string> {
  if (diskMb === undefined) return {};
  if (data === undefined) throw new Error('this server cannot be given a small disk: its recipe does not tell where its data lie');
  return { [data]: `rw,size=${diskMb}m` };
}

type Docker = Awaited<ReturnType<typeof runtime>>['docker'];

async function ensureImage(docker: Docker, image: string): Promise<void> {
  const isThere = await docker
    .getImage(image)
    .inspect()
    .then(() => true)
    .catch(() => false);
  if (!isThere) await pull(docker, image);
}

function pull(docker: Docker, image: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`${image} could not be pulled within ${PULL_LIMIT_MS / 1000} s`)), PULL_LIMIT_MS);
    const done = (error?: unknown) => {
      clearTimeout(limit);
      if (error) reject(new Error(`${image} is not here and could not be pulled`));
      else resolve();
    };
    docker.pull(image).then((stream) => docker.modem.followProgress(stream, done), done);
  });
}

/** The last lines of its log say why it never answered. */
async function giveUp(started: StartedTestContainer, error: unknown): Promise<never> {
  const log = await (await started.logs()).toArray().catch(() => []);
  await started.stop();
  throw new Error(`${String(error)} Its log ends: ${log.slice(-5).join('').trim()}`);
}

function serverIn(started: StartedTestContainer, docker: Docker, recipe: Recipe, ports: readonly number[]): OwnServer {
  const container = docker.getContainer(started.getId());
  const urls = ports.map((port) => recipe.url(port));
  const start = async () => {
    await container.start();
    await untilReady(recipe.probe, ports);
  };
  return {
    url: urls[0] as string,
    urls,
    from: `${imageOf(recipe)} in a container`,
    freeze: () => freeze(() => container.pause()),
    thaw: async () => void (await container.unpause()),
    kill: async () => void (await container.kill()),
    start,
    async restart() {
      const ended = container.wait();
      await container.kill({ signal: recipe.stopSignal ?? 'SIGTERM' });
      await ended;
      await start();
    },
    stop: async () => void (await container.remove({ force: true, v: true })),
  };
}

const FREEZES = 10;

/**
 * Pauses a container. The kernel's freezer gives up on one that makes processes faster than it stops them (`unable to freeze`), as PostgreSQL and
 * FerretDB do under load; nothing is paused then, and the engine is asked again.
 */
async function freeze(pause: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await pause();
      return;
    } catch (error) {
      if (attempt === FREEZES || !String(error).includes('unable to freeze')) throw error;
      await delay(100);
    }
  }
}
