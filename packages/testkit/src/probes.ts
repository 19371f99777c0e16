import { connect } from 'node:net';

/** Tells whether all servers on these ports of this machine are ready to serve. */
export type Probe = (ports: readonly number[]) => Promise<boolean>;

/** Sends bytes, and gives what came back until `enough` says so, or the connection ends, or a second passed. */
function ask(port: number, question: string | Buffer, enough: (answer: Buffer) => boolean): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port, timeout: 1000 });
    const done = () => {
      socket.destroy();
      resolve(Buffer.concat(chunks));
    };
    socket.on('connect', () => socket.write(question));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (enough(Buffer.concat(chunks))) done();
    });
    socket.on('timeout', done).on('error', done).on('close', done);
  });
}

async function line(port: number, question: string): Promise<string> {
  return (await ask(port, `${question}\r\n`, (answer) => answer.includes('\r\n'))).toString('latin1');
}

/** A line protocol: Redis' inline commands, memcached's text. */
export function answersLine(question: string, expected: string): Probe {
  return async (ports) => {
    const answers = await Promise.all(ports.map((port) => line(port, question)));
    return answers.every((answer) => answer.startsWith(expected));
  };
}

/** Every node sees the whole cluster, and every replica follows its master. */
export const isCluster: Probe = async (ports) => {
  const answers = await Promise.all(ports.map((port) => isMember(port, ports.length)));
  return answers.every(Boolean);
};

async function isMember(port: number, size: number): Promise<boolean> {
  const cluster = (await ask(port, 'CLUSTER INFO\r\n', (answer) => answer.includes('cluster_known_nodes'))).toString();
  if (!cluster.includes('cluster_state:ok') || !cluster.includes(`cluster_known_nodes:${size}`)) return false;
  const replication = (await ask(port, 'INFO replication\r\n', (answer) => answer.includes('repl_backlog_histlen'))).toString();
  return replication.includes('role:master') ? replication.includes('connected_slaves:1') : replication.includes('master_link_status:up');
}

/** PostgreSQL: a StartupMessage is answered by AuthenticationOk or a request for a password (`R`), or by an error while it starts. */
export const answersStartup: Probe = async ([port = 0]) => {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + parameters.length, 0);
  head.writeInt32BE(196_608, 4);
  const answer = await ask(port, Buffer.concat([head, parameters]), (bytes) => bytes.length > 0);
  return answer.subarray(0, 1).toString() === 'R';
};

/** MongoDB: an OP_MSG with `{ hello: 1, $db: 'admin' }`. */
export const answersHello: Probe = async ([port = 0]) => {
  const body = Buffer.from('\x00\x00\x00\x00\x10hello\0\x01\x00\x00\x00\x02$db\0\x06\x00\x00\x00admin\0\0', 'latin1');
  body.writeInt32LE(body.length, 0);
  const head = Buffer.alloc(21);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(1, 4);
  head.writeInt32LE(2013, 12);
  const answer = await ask(port, Buffer.concat([head, body]), (bytes) => bytes.length > 21);
  return answer.includes('isWritablePrimary') || answer.includes('maxWireVersion');
};

/** Waits until the probe says yes. @throws Error after `limitMs` */
export async function untilReady(probe: Probe, ports: readonly number[], limitMs = 60_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await probe(ports).catch(() => false))) {
    if (Date.now() > end) throw new Error(`It did not answer within ${limitMs / 1000} s.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
