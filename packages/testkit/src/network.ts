import { type Socket, connect } from 'node:net';
import type { Random } from './random.js';

/** How a network fails. Shares are from 0, never, to 1, always. */
export interface Faults {
  /** Each answer arrives so much later, ms. */
  readonly delayMs?: number;
  /** And up to so much later than that; what was sent first arrives first all the same. */
  readonly jitterMs?: number;
  /** In both directions bytes arrive in pieces of 1 to so many. */
  readonly pieceBytes?: number;
  /** Of the answers: the connection ends in the middle of it, half of the time by a reset. */
  readonly resetShare?: number;
  /** Of new connections: ended at once. */
  readonly refuseShare?: number;
  /** Of new connections: nothing ever comes through. */
  readonly silentShare?: number;
}

/** The state of a network, as all of its connections see it. */
export interface Network {
  faults: Faults;
  isStalled: boolean;
  readonly random: Random;
}

/** So much may wait on its way, in bytes: then its sender has to. */
const WINDOW = 1024 * 1024;

interface Packet {
  readonly bytes: Buffer;
  readonly dueAt: number;
}

/** One direction of a connection. */
class Way {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #network: Network;
  /** Whether answers go this way. */
  readonly #answers: boolean;
  readonly #packets: Packet[] = [];
  #lastDueAt = 0;
  #waiting = 0;
  #isMoving = false;
  #isStalled = false;
  #isEnded = false;

  constructor(from: Socket, to: Socket, network: Network, answers: boolean) {
    this.#from = from;
    this.#to = to;
    this.#network = network;
    this.#answers = answers;
    from.on('data', (bytes: Buffer) => this.#arrived(bytes));
    to.on('drain', () => this.#resumeSender());
  }

  stall(): void {
    this.#isStalled = true;
    this.#from.pause();
  }

  resume(): void {
    this.#isStalled = false;
    void this.#move();
    this.#resumeSender();
  }

  /** No more will be sent. What is under way still arrives. */
  end(): void {
    this.#isEnded = true;
    void this.#move();
  }

  #arrived(bytes: Buffer): void {
    const { delayMs = 0, jitterMs = 0 } = this.#answers ? this.#network.faults : {};
    const late = delayMs + this.#network.random.next() * jitterMs;
    this.#lastDueAt = Math.max(this.#lastDueAt, performance.now() + late);
    this.#packets.push({ bytes, dueAt: late === 0 ? 0 : this.#lastDueAt });
    this.#waiting += bytes.length;
    if (this.#waiting + this.#to.writableLength > WINDOW) this.#from.pause();
    void this.#move();
  }

  async #move(): Promise<void> {
    if (this.#isMoving) return;
    this.#isMoving = true;
    for (let packet = this.#next(); packet !== undefined; packet = this.#next()) {
      const wait = packet.dueAt - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (this.#isStalled) break;
      this.#packets.shift();
      this.#waiting -= packet.bytes.length;
      if (this.#breaks(packet.bytes)) await this.#breakIn(packet.bytes);
      else await this.#pass(packet.bytes);
      this.#resumeSender();
    }
    this.#isMoving = false;
    if (this.#isEnded && this.#packets.length === 0) this.#to.destroySoon();
  }

  #next(): Packet | undefined {
    return this.#isStalled || this.#to.destroyed ? undefined : this.#packets[0];
  }

  /** One write in one turn of the event loop, so that the receiver reads each piece by itself. */
  async #pass(bytes: Buffer): Promise<void> {
    const { pieceBytes = 0 } = this.#network.faults;
    if (pieceBytes === 0) return this.#write(bytes);
    for (let at = 0; at < bytes.length && !this.#to.destroyed;) {
      const size = this.#network.random.between(1, pieceBytes);
      this.#write(bytes.subarray(at, at + size));
      at += size;
      await new Promise(setImmediate);
    }
  }

  #breaks(bytes: Buffer): boolean {
    return this.#answers && bytes.length > 1 && this.#network.random.chance(this.#network.faults.resetShare ?? 0);
  }

  /** A beginning arrives, and then the end. */
  async #breakIn(bytes: Buffer): Promise<void> {
    const { random } = this.#network;
    await this.#pass(bytes.subarray(0, random.between(1, bytes.length - 1)));
    await new Promise(setImmediate);
    if (random.chance(0.5)) reset(this.#to);
    else this.#to.destroySoon();
    this.#from.destroy();
  }

  #write(bytes: Buffer): void {
    if (!this.#to.destroyed) this.#to.write(bytes);
  }

  #resumeSender(): void {
    if (!this.#isStalled && this.#waiting + this.#to.writableLength <= WINDOW) this.#from.resume();
  }
}

/** With RST alone: `resetAndDestroy()` says FIN first where something was written, which the other side takes for a plain end. */
function reset(socket: Socket): void {
  Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}

/** A client's connection, as the proxy has it. */
export interface Line {
  stall(): void;
  resume(): void;
  end(): void;
}

/** One that leads to the server. */
export class Pair implements Line {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #ways: readonly Way[];

  constructor(client: Socket, target: { host: string; port: number }, network: Network) {
    this.#client = client.setNoDelay(true);
    this.#server = connect({ ...target, noDelay: true });
    const there = new Way(client, this.#server, network, false);
    const back = new Way(this.#server, client, network, true);
    this.#ways = [there, back];
    this.#ends(client, there);
    this.#ends(this.#server, back);
    if (network.isStalled) this.stall();
  }

  #ends(socket: Socket, way: Way): void {
    socket.on('error', () => this.end());
    socket.on('close', () => way.end());
  }

  stall(): void {
    for (const way of this.#ways) way.stall();
  }

  resume(): void {
    for (const way of this.#ways) way.resume();
  }

  end(): void {
    this.#client.destroy();
    this.#server.destroy();
  }
}

/** One that leads nowhere: what is sent is lost, and nothing is answered, also after the network was mended. */
export class DeadEnd implements Line {
  readonly #client: Socket;

  constructor(client: Socket) {
    this.#client = client.on('error', () => undefined).resume();
  }

  stall(): void {}

  resume(): void {}

  end(): void {
    this.#client.destroy();
  }
}
