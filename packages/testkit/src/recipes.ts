import { join } from 'node:path';
import { answersHello, answersLine, answersStartup, isCluster, type Probe } from './probes.js';
import type { BackendName } from './types.js';

/** How a server is started on this machine. `ports` are free ones, as many as the recipe asks for. */
interface Local {
  /** Looked for on the PATH and in `folders`. */
  readonly binary: string;
  readonly folders?: readonly string[];
  /** Of the user that it must not be root for; used when the tests run as root. */
  readonly user?: string;
  /** Run to the end before the server, in its scratch folder. */
  prepare?(binary: string, folder: string): readonly string[];
  args(port: number, folder: string, ports: readonly number[]): readonly string[];
}

/** How one backend is found. */
export interface Recipe {
  /** The variable that holds a URL of a server that is there already. */
  readonly variable: string;
  readonly image: { readonly variable: string; readonly official: string };
  /** Its port in a container, unless the container is told the port (`samePort`). */
  readonly port: number;
  /** How many servers it takes, each on a port of its own. */
  readonly size?: number;
  /** Whether the container listens on the same ports as the host shows: a cluster tells its clients its addresses. */
  readonly samePorts?: boolean;
  command(ports: readonly number[], args: readonly string[]): readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What ends it in good order, without waiting for its clients. Default: SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** The folder of its data in a container. */
  readonly data?: string;
  readonly local?: Local;
  /** After the servers of this machine have started. */
  readonly join?: { readonly binary: string; args(ports: readonly number[]): readonly string[]; readonly alone: Probe };
  readonly probe: Probe;
  url(port: number): string;
}

const NO_FILES = ['--save', '', '--appendonly', 'no'];

const redis: Recipe = {
  variable: 'SESSILE_REDIS_URL',
  image: { variable: 'SESSILE_IMAGE_REDIS', official: 'redis:7' },
  port: 6379,
  command: (_ports, args) => ['redis-server', ...NO_FILES, '--protected-mode', 'no', ...args],
  local: {
    binary: 'redis-server',
    args: (port, folder) => ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, ...NO_FILES],
  },
  probe: answersLine('PING', '+PONG'),
  url: (port) => `redis://127.0.0.1:${port}`,
};

const CLUSTER = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '3000', '--cluster-announce-ip', '127.0.0.1'];

const createCluster = (ports: readonly number[]) => [
  ...['--cluster', 'create', ...ports.map((port) => `127.0.0.1:${port}`)],
  ...['--cluster-replicas', '1', '--cluster-yes'],
];

/** Six servers in one container, which knows itself by the address that the host sees. */
function clusterScript(ports: readonly number[], args: readonly string[]): string {
  const server = `redis-server ${CLUSTER.join(' ')} --save "" --appendonly no --protected-mode no ${args.join(' ')}`;
  return [
    `for port in ${ports.join(' ')}; do ${server} --port $port --cluster-config-file /tmp/nodes-$port.conf & done`,
    `for port in ${ports.join(' ')}; do until redis-cli -p $port ping >/dev/null 2>&1; do sleep 0.1; done; done`,
    `redis-cli ${createCluster(ports).join(' ')}`,
    'wait',
  ].join('\n');
}

const redisCluster: Recipe = {
  ...redis,
  variable: 'SESSILE_REDIS_CLUSTER_URL',
  size: 6,
  samePorts: true,
  command: (ports, args) => ['sh', '-c', clusterScript(ports, args)],
  local: {
    binary: 'redis-server',
    args: (port, folder) => ['--port', `${port}`, '--dir', folder, '--cluster-config-file', `nodes-${port}.conf`, ...NO_FILES, ...CLUSTER],
  },
  join: { binary: 'redis-cli', args: createCluster, alone: redis.probe },
  probe: isCluster,
};

const memcached: Recipe = {
  variable: 'SESSILE_MEMCACHED_URL',
  image: { variable: 'SESSILE_IMAGE_MEMCACHED', official: 'memcached:1.6' },
  port: 11211,
  command: (_ports, args) => ['memcached', '-m', '512', ...args],
  local: {
    binary: 'memcached',
    args: (port) => ['-p', `${port}`, '-l', '127.0.0.1', '-m', '512', ...(process.getuid?.() === 0 ? ['-u', 'nobody'] : [])],
  },
  probe: answersLine('version', 'VERSION'),
  url: (port) => `memcached://127.0.0.1:${port}`,
};

const postgres: Recipe = {
  variable: 'SESSILE_POSTGRES_URL',
  image: { variable: 'SESSILE_IMAGE_POSTGRES', official: 'postgres:15' },
  port: 5432,
  data: '/var/lib/postgresql/data',
  stopSignal: 'SIGINT',
  environment: { POSTGRES_HOST_AUTH_METHOD: 'trust', PGDATA: '/var/lib/postgresql/data/pgdata' },
  command: (_ports, args) => ['postgres', '-c', 'max_connections=200', ...args],
  local: {
    binary: 'postgres',
    folders: ['18', '17', '16', '15', '14', '13'].map((version) => `/usr/lib/postgresql/${version}/bin`),
    user: 'postgres',
    prepare: (binary, folder) => [
      join(binary, '..', 'initdb'),
      ...['-D', join(folder, 'data'), '--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-sync'],
    ],
    args: (port, folder) => [
      ...['-D', join(folder, 'data'), '-p', `${port}`, '-k', folder],
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=200'],
    ],
  },
  probe: answersStartup,
  url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
};

const mongo: Recipe = {
  variable: 'SESSILE_MONGO_URL',
  image: { variable: 'SESSILE_IMAGE_MONGO', official: 'mongo:8' },
  port: 27017,
  command: (_ports, args) => ['mongod', ...args],
  local: { binary: 'mongod', args: (port, folder) => ['--port', `${port}`, '--dbpath', folder, '--bind_ip', '127.0.0.1'] },
  probe: answersHello,
  url: (port) => `mongodb://127.0.0.1:${port}/?directConnection=true`,
};

/** A newer release has neither a binary on this machine nor a URL of its own by default. */
function next(recipe: Recipe, variable: string, official: string): Recipe {
  const { local: _local, ...rest } = recipe;
  return { ...rest, variable: recipe.variable.replace('_URL', '_NEXT_URL'), image: { variable, official } };
}

export const RECIPES: Readonly<Record<BackendName, Recipe>> = {
  redis,
  'redis-next': next(redis, 'SESSILE_IMAGE_REDIS8', 'redis:8'),
  'redis-cluster': redisCluster,
  memcached,
  'memcached-second': { ...memcached, variable: 'SESSILE_MEMCACHED_SECOND_URL' },
  postgres,
  'postgres-next': next(postgres, 'SESSILE_IMAGE_POSTGRES17', 'postgres:17'),
  mongo,
};
