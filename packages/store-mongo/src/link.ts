import { StoreError } from '@sessile/core';
import type { Call } from '@sessile/core/driver';
import { appClock, type Clock, serverClock } from './clock.js';
import { isAway, isPassing, isRefusal, known } from './errors.js';
import { makeTtlIndex, refuseCollation } from './collection.js';
import { connect, type MongoCollection, type MongoConnection } from './mongo.js';
import { wakeMonitors } from './monitors.js';
import { Watch } from './watch.js';

/** How the store uses the server. */
export interface Settings {
  readonly client: MongoConnection | Promise<MongoConnection> | undefined;
  readonly collection: MongoCollection | undefined;
  readonly url: string | undefined;
  readonly database: string | undefined;
  readonly collectionName: string;
  readonly ttlIndex: boolean;
  readonly timeoutMs: number;
}

/** What commands are made of. */
export interface Site {
  readonly collection: MongoCollection;
  readonly clock: Clock;
  /** Options of a command that reads. */
  readonly reads: (call: Call) => Readonly<Record<string, unknown>>;
  /** Options of a command that writes. */
  readonly writes: (call: Call) => Readonly<Record<string, unknown>>;
}

type Work<R> = (site: Site) => Promise<R>;

/** No session has this id. */
const NOBODY = { _id: { $eq: '' } };

/** As read here, whatever the client's own settings are: a document that is sent back must be equal to what is stored. */
const READ = {
  readPreference: 'primary',
  raw: false,
  promoteValues: true,
  promoteLongs: true,
  promoteBuffers: false,
  useBigInt64: false,
  bsonRegExp: true,
} as const;

/** A client, its collection, and what is sent to it. */
export class Link {
  readonly #settings: Settings;
  readonly #watch = new Watch(() => this.#ask());
  #own: MongoConnection | undefined;
  #site: Promise<Site> | undefined;
  /** The client that has been connected. */
  #connected: MongoConnection | undefined;
  #closed = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    // It is looked at when it is needed, and must not end the process before.
    if (settings.client instanceof Promise) settings.client.catch(ignore);
  }

  open(report: (state: 'up' | 'down', cause?: unknown) => void): void {
    this.#watch.report = report;
  }

  /** Runs a command, again where something passing was in its way. @param mayRepeat whether it does no harm to do it twice. */
  async run<R>(call: Call, work: Work<R>, mayRepeat = true): Promise<R> {
    const site = await this.#opened();
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work(site);
      } catch (error) {
        if (attempt === TRIES - 1 || call.timeLeftMs <= 0 || !isPassing(error, mayRepeat)) throw this.#failed(error);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    }
  }

  /** Makes the TTL index again, where somebody has dropped it, or the whole collection. */
  async makeIndex(call: Call): Promise<void> {
    if (this.#settings.ttlIndex) await this.run(call, ({ collection, writes }) => makeTtlIndex(collection, writes(call)));
  }

  /** Past the index: whether the server answers. */
  async ping(): Promise<void> {
    try {
      await this.#ask();
    } catch (error) {
      throw this.#failed(error);
    }
    this.#watch.isUp();
  }

  async #ask(): Promise<void> {
    try {
      const collection = await this.#collection();
      await collection.findOne(NOBODY, { ...READ, ...this.#inTime(), projection: { _id: 1 } });
    } catch (error) {
      if (isAway(error)) wakeMonitors(this.#connected);
      throw error;
    }
  }

  /** A failure is not kept: the next call looks again. */
  #opened(): Promise<Site> {
    this.#site ??= this.#look().catch((error: unknown) => {
      this.#site = undefined;
      throw this.#failed(error);
    });
    return this.#site;
  }

  async #look(): Promise<Site> {
    const collection = await this.#collection();
    const inTime = this.#inTime();
    await refuseCollation(collection, inTime);
    const write = acknowledged(collection);
    if (this.#settings.ttlIndex) await makeTtlIndex(collection, { ...write, ...inTime });
    const clock = (await knowsNow(collection, { ...write, ...inTime })) ? serverClock : appClock;
    return {
      collection,
      clock,
      reads: (call) => ({ ...READ, ...limitsOf(call) }),
      writes: (call) => ({ ...READ, ...write, ...limitsOf(call) }),
    };
  }

  /** Of a command for which no call waits alone. */
  #inTime(): { signal: AbortSignal } {
    return { signal: AbortSignal.timeout(this.#settings.timeoutMs) };
  }

  async #collection(): Promise<MongoCollection> {
    const { collection, client, database, collectionName } = this.#settings;
    if (this.#closed) throw new StoreError('ERR_STORE_CLOSED', 'The store was closed meanwhile.');
    // Not in the collection's documentation, and there in both versions.
    const connection = collection === undefined ? ((await client) ?? this.#connect()) : (collection as { client?: MongoConnection }).client;
    if (connection !== undefined && connection !== this.#connected) await this.#begin(connection);
    return collection ?? (connection as MongoConnection).db(database).collection(collectionName);
  }

  /** A client whose first connection failed does not try again by itself. */
  async #begin(connection: MongoConnection): Promise<void> {
    this.#watch.follow(connection);
    await connection.connect();
    this.#connected = connection;
  }

  #connect(): MongoConnection {
    const { url, timeoutMs } = this.#settings;
    const { env } = process;
    // Before core's own deadline, so that what is said is what was found.
    const soon = Math.ceil(timeoutMs * 0.8);
    const limits = { serverSelectionTimeoutMS: soon, connectTimeoutMS: soon, waitQueueTimeoutMS: soon, socketTimeoutMS: timeoutMs };
    this.#own ??= connect(url ?? env['MONGODB_URI'] ?? env['MONGO_URL'] ?? 'mongodb://localhost:27017', limits);
    return this.#own;
  }

  #failed(error: unknown): unknown {
    if (isAway(error)) this.#watch.isDown(error);
    return known(error);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watch.close();
    await this.#own?.close();
  }
}

/** What is in the way of one write is most often gone at the next try. */
const TRIES = 4;

function ignore(): void {}

/**
 * The server's limit, and the client's. Without the latter a command waits for ever where its connection is lost in silence, and in
 * mongodb 7.8 also where it is written to a socket that ends at that moment: its session, and all that waits for it, would wait too.
 */
function limitsOf({ timeLeftMs, signal }: Call): { maxTimeMS: number; signal: AbortSignal } {
  return { maxTimeMS: Math.max(1, Math.ceil(timeLeftMs)), signal };
}

/** Without an answer nothing can be compared, so that a write is acknowledged whatever the client asks for. */
function acknowledged({ writeConcern }: MongoCollection): object {
  if (writeConcern?.w !== 0) return {};
  process.emitWarning('The MongoDB client writes without acknowledgement (w: 0). The session store asks for w: 1.', {
    code: 'SESSILE_UNACKNOWLEDGED',
  });
  return { writeConcern: { w: 1 } };
}

/** Asked of a session that is not there. */
async function knowsNow(collection: MongoCollection, write: object): Promise<boolean> {
  const [{ where, update }] = serverClock.steps({ ttlMs: 1, onlyLonger: true }) as [ReturnType<Clock['steps']>[0]];
  const options = { ...READ, ...write, projection: serverClock.fields, returnDocument: 'after', includeResultMetadata: false };
  try {
    await collection.findOneAndUpdate({ ...NOBODY, ...where }, update, options);
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return false;
  }
}
