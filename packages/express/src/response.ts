import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { Visit } from '@sessile/engine';

/** What an error of the store does after the response: `next(error)`. */
type Fail = (error: unknown) => void;

type Ending = (...args: unknown[]) => unknown;

/** A response of node:http, or of HTTP/2's compatibility API. */
export type Response = ServerResponse & {
  _implicitHeader?(): void;
  _contentLength?: number | null;
};

const STATE = Symbol('sessile.response');

/**
 * A response while its session is not stored yet.
 *
 * The client must not act on an answer before the session is stored: it would ask again, and find the old one. So nothing of a
 * response that is ended at once leaves before that; of one that streams, its end, or where its length is known the last byte.
 */
class State {
  readonly visit: Visit;
  readonly fail: Fail;
  readonly writeHead: Ending;
  readonly write: Ending;
  readonly end: Ending;
  ended = false;
  /** Whether `end` has been let go on. */
  released = false;
  headed = false;
  /** Bytes of the body that were written, where its length is known. */
  sentBytes = 0;
  lastByte: Buffer | undefined;
  late: (() => void)[] | undefined;

  constructor(response: Response, visit: Visit, fail: Fail) {
    this.visit = visit;
    this.fail = fail;
    ({ writeHead: this.writeHead, write: this.write, end: this.end } = response as unknown as Hooked);
  }
}

type Hooked = Omit<Response, 'writeHead' | 'write' | 'end'> & Record<'writeHead' | 'write' | 'end', Ending> & { [STATE]?: State };

/** Lets a response wait for its session, and carry its cookie. */
export function hook(response: Response, visit: Visit, fail: Fail): void {
  const hooked = response as unknown as Hooked;
  const state = new State(response, visit, fail);
  if (hooked[STATE] !== undefined) return hookAgain(response, hooked, state);
  hooked[STATE] = state;
  hooked.writeHead = writeHead;
  hooked.write = write;
  hooked.end = end;
}

/** Where another session middleware has hooked it before: both have a session to store. */
function hookAgain(response: Response, hooked: Hooked, state: State): void {
  hooked.writeHead = (...args: unknown[]) => head(response, state, args);
  hooked.write = (...args: unknown[]) => body(response, state, args);
  hooked.end = (...args: unknown[]) => finish(response, state, args);
}

// The same three functions for all responses.
function writeHead(this: unknown, ...args: unknown[]): unknown {
  return head(this as Response, stateOf(this), args);
}

function write(this: unknown, ...args: unknown[]): unknown {
  return body(this as Response, stateOf(this), args);
}

function end(this: unknown, ...args: unknown[]): unknown {
  return finish(this as Response, stateOf(this), args);
}

function stateOf(response: unknown): State {
  return (response as Hooked)[STATE] as State;
}

/** Headers are written: now or never for the cookie. */
function head(response: Response, state: State, args: unknown[]): unknown {
  if (state.headed) return state.writeHead.apply(response, args);
  state.headed = true;
  let given = args;
  try {
    const { cookie, token } = state.visit.answer();
    if (cookie !== undefined || token !== undefined) given = takeHeaders(response, args);
    if (cookie !== undefined) response.appendHeader('Set-Cookie', cookie);
    if (token !== undefined) response.setHeader(tokenHeader(state.visit), token);
  } catch (error) {
    setImmediate(state.fail, error);
  }
  return state.writeHead.apply(response, given);
}

/** The header that carries the id back: the first of the app's own, else `X-Session-Token`. */
function tokenHeader(visit: Visit): string {
  const own = visit.context.settings.transports.find((one) => typeof one === 'object');
  return typeof own === 'object' ? own.header : 'x-session-token';
}

/** Sets the headers given to `writeHead`, which would else replace those that are appended. @returns the arguments without them. */
function takeHeaders(response: Response, args: unknown[]): unknown[] {
  const last = args.at(-1);
  if (args.length < 2 || typeof last !== 'object' || last === null) return args;
  for (const [name, value] of pairs(last as OutgoingHttpHeader[] | Record<string, OutgoingHttpHeader | undefined>)) {
    if (value !== undefined) response.setHeader(name, value);
  }
  return args.slice(0, -1);
}

/** Node takes an object, a list of pairs, or a flat list. Values of one name in a list belong together. */
function pairs(headers: OutgoingHttpHeader[] | Record<string, OutgoingHttpHeader | undefined>): [string, OutgoingHttpHeader | undefined][] {
  if (!Array.isArray(headers)) return Object.entries(headers);
  const list = Array.isArray(headers[0]) ? headers.flat() : headers;
  const values = new Map<string, string[]>();
  for (let at = 0; at < list.length; at += 2) {
    const name = String(list[at]).toLowerCase();
    values.set(name, [...(values.get(name) ?? []), ...[list[at + 1]].flat().map(String)]);
  }
  return [...values].map(([name, all]) => [name, all.length === 1 ? all[0] : all]);
}

/** Where the length of the body is known its last byte stays here, or the client has all of it before the session is stored. */
function body(response: Response, state: State, args: unknown[]): unknown {
  if (state.ended && !state.released) {
    // Node itself says that this is an error, once its own turn has come.
    (state.late ??= []).push(() => state.write.apply(response, args));
    return false;
  }
  const lengthBytes = state.released ? 0 : Number(response.getHeader('content-length') ?? 0);
  if (!(lengthBytes > 0) || args[0] == null) return state.write.apply(response, args);
  const chunk = toBuffer(args[0], args[1]);
  if (chunk === undefined) return state.write.apply(response, args);
  state.sentBytes += chunk.length;
  if (chunk.length === 0 || state.sentBytes !== lengthBytes) return state.write.apply(response, args);
  state.lastByte = chunk.subarray(-1);
  const callback = args.find((one) => typeof one === 'function');
  return state.write.call(response, chunk.subarray(0, -1), callback);
}

function toBuffer(chunk: unknown, encoding: unknown): Buffer | undefined {
  if (typeof chunk === 'string') return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  if (!(chunk instanceof Uint8Array)) return undefined;
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function finish(response: Response, state: State, args: unknown[]): unknown {
  if (state.ended) return endAgain(response, args);
  state.ended = true;
  const task = decide(state);
  if (task === 'nothing') return release(response, state, args);
  let waits = true;
  let result: unknown;
  state.visit.perform(task, (error) => {
    if (error) setImmediate(state.fail, error);
    if (waits) result = release(response, state, args);
    else release(response, state, args);
    waits = false;
  });
  if (!waits) return result;
  waits = false;
  closeHeaders(response, args);
  return response;
}

function decide(state: State): ReturnType<Visit['decide']> {
  try {
    return state.visit.decide();
  } catch (error) {
    setImmediate(state.fail, error);
    return 'nothing';
  }
}

/** As express-session answers a second `end`. Its callback is called when the response is over. */
function endAgain(response: Response, args: unknown[]): false {
  const callback = args.find((one) => typeof one === 'function') as (() => void) | undefined;
  if (callback === undefined) return false;
  if (response.writableFinished) process.nextTick(callback);
  else response.once('finish', callback);
  return false;
}

/**
 * From here on the app sees `headersSent`, and can change no header: for it the response has ended. Node keeps the headers until
 * there is something to send with them. HTTP/2 would send them at once.
 */
function closeHeaders(response: Response, [chunk, encoding]: unknown[]): void {
  if (response.headersSent) return;
  if (typeof response._implicitHeader !== 'function') {
    Object.defineProperty(response, 'headersSent', { value: true, configurable: true });
    return;
  }
  // As `end` does: the length is known, so the body needs no chunks.
  if (typeof chunk === 'string') response._contentLength = Buffer.byteLength(chunk, encoding as BufferEncoding);
  else response._contentLength = chunk instanceof Uint8Array ? chunk.byteLength : 0;
  response._implicitHeader();
}

function release(response: Response, state: State, args: unknown[]): unknown {
  state.released = true;
  if (Object.hasOwn(response, 'headersSent')) delete (response as { headersSent?: boolean }).headersSent;
  if (state.lastByte !== undefined) state.write.call(response, state.lastByte);
  const result = state.end.apply(response, args);
  state.late?.forEach((late) => late());
  return result;
}
