import * as fc from 'fast-check';
import type { Seen } from '../failure.js';
import { LONG_MS } from '../sessions.js';
import type { StoreUnderTest } from '../store-under-test.js';
import type { Trial } from '../trial.js';
import { answerText, Bench, BRIEF_MS, Client, short, type Timed } from './client.js';
import { type Action, histories, NEEDED, type Shape, type Step } from './commands.js';
import { linearise } from './linearise.js';
import { type Answer, type Call, expected, next, type State } from './reference.js';

/** What a check may take, the search for a shorter history included. */
const LIMIT_MS = 8000;
/** What a check may spend on waiting, before a failure was seen. */
const PATIENCE_MS = 1200;

const LISTING: ReadonlySet<string> = new Set<Action['do']>(['all', 'ids', 'length', 'clear']);

/** How much is tried. */
export interface Plan {
  readonly shape: Shape;
  readonly runs: number;
}

/** A history that no correct store answers so. */
export class HistoryFailure extends Error {
  override readonly name = 'HistoryFailure';
  readonly seen: Seen;

  constructor(seen: Seen) {
    super(`${seen.step}\nexpected: ${seen.expected}\ngot: ${seen.got}`);
    this.seen = seen;
  }
}

/** Tells one history's clients and what is known of the sids. */
interface Scene {
  readonly bench: Bench;
  readonly clients: readonly Client[];
  readonly worlds: Map<string, readonly State[]>;
  readonly patience: Patience;
}

/** How often a check still waits for short lives to end: a store of whole seconds would take minutes. */
class Patience {
  /** A failure was seen, and its shortest history is looked for: that must wait as the long one did. */
  endless = false;
  #left: number;

  constructor({ target, resolutionMs }: Trial) {
    this.#left = target.advance ? Infinity : Math.max(2, Math.floor(PATIENCE_MS / (BRIEF_MS + resolutionMs)));
  }

  take(): boolean {
    this.#left -= 1;
    return this.endless || this.#left >= 0;
  }
}

/** Draws histories of calls that wait for each other, on one or several store objects, and judges each answer. */
export function sequential(t: Trial, stores: readonly StoreUnderTest[], plan: Plan): Promise<void> {
  return explore(t, stores, plan, async (scene, steps) => {
    for (const step of steps) await inTurn(scene, step);
    for (const client of scene.clients.keys()) {
      for (const sid of scene.bench.sids) await inTurn(scene, { client, action: { do: 'get', sid } });
    }
  });
}

/** Draws histories of calls that do not wait for each other, and looks for an order that explains the answers. */
export function concurrent(t: Trial, stores: readonly StoreUnderTest[], plan: Plan, before: readonly Step[] = []): Promise<void> {
  return explore(t, stores, plan, async (scene, steps) => {
    for (const step of before) await inTurn(scene, step);
    const calls = await atOnce(scene, steps);
    const { bench, clients } = scene;
    for (const sid of bench.sids) calls.push(...((await clients[0]?.act({ do: 'get', sid })) ?? []));
    for (const sid of bench.sids) explain(scene, sid, calls.filter((call) => call.sid === sid)); // prettier-ignore
  });
}

type Play = (scene: Scene, steps: readonly Step[]) => Promise<void>;

async function explore(t: Trial, stores: readonly StoreUnderTest[], { shape, runs }: Plan, play: Play): Promise<void> {
  const patience = new Patience(t);
  const stage = new Stage(t, stores, shape.sids, patience);
  const history = histories({ ...shape, weights: able(shape, stores) });
  const property = fc.asyncProperty(history, async (steps) => {
    const scene = await stage.next();
    await play(scene, steps).catch((error: unknown) => {
      patience.endless = true;
      throw error;
    });
  });
  const options = { seed: t.seed, numRuns: runs, interruptAfterTimeLimit: LIMIT_MS };
  report(await fc.check(property, options), t.seed);
}

/** A store need not have every method, nor see in a list at once what was done. */
function able({ weights }: Shape, [store]: readonly StoreUnderTest[]): Shape['weights'] {
  const has = ([deed]: [string, number]): boolean => {
    const method = NEEDED[deed as Action['do']];
    if (LISTING.has(deed) && !store?.listsAtOnce) return false;
    if (deed === 'update' || deed === 'count' || deed === 'ids') return Boolean(store?.has(method ?? deed)) && store?.kind !== 'callback';
    return method === undefined || Boolean(store?.has(method));
  };
  return Object.fromEntries(Object.entries(weights).filter(has));
}

/** Where the histories of a check are played, one after the other. */
class Stage {
  readonly #trial: Trial;
  readonly #stores: readonly StoreUnderTest[];
  readonly #patience: Patience;
  #turn = 0;
  #bench: Bench;

  constructor(trial: Trial, stores: readonly StoreUnderTest[], sids: readonly string[], patience: Patience) {
    this.#trial = trial;
    this.#stores = stores;
    this.#patience = patience;
    this.#bench = new Bench(trial, sids, this.#turn);
  }

  /** Every history begins with no sessions, and lets others have their turn first. */
  async next(): Promise<Scene> {
    await new Promise((resolve) => setImmediate(resolve));
    const { sids } = this.#bench;
    const [first = this.#trial.store] = this.#stores;
    await Promise.all(sids.map((sid) => first.destroy(this.#bench.keyOf(sid)).catch(() => undefined)));
    this.#turn += 1;
    const bench = new Bench(this.#trial, sids, this.#turn);
    this.#bench = bench;
    const clients = this.#stores.map((store, i) => new Client(store, bench, this.#stores.length > 1 ? `${i + 1}: ` : ''));
    return { bench, clients, worlds: new Map(), patience: this.#patience };
  }
}

async function inTurn(scene: Scene, { client: at, action }: Step): Promise<void> {
  const { bench, clients, patience } = scene;
  const client = clients[at] as Client;
  if (action.do === 'wait') return patience.take() ? bench.wait() : undefined;
  if (action.do === 'length') return counts(scene, await client.count());
  if (action.do === 'put') forgetEnded(scene, action.sid);
  for (const call of await client.act(action)) judge(scene, call);
}

/** What was loaded from a session that may have ended since is no more of anybody's. */
function forgetEnded({ bench, clients, worlds }: Scene, sid: string): void {
  const states = worlds.get(sid) ?? [null];
  const sure = states.every((state) => state !== null && state.first - bench.trial.clock.now() > LONG_MS / 2);
  if (!sure) for (const client of clients) client.forget(sid);
}

function judge({ bench, worlds }: Scene, call: Call): void {
  const before = worlds.get(call.sid) ?? [null];
  const after = before.flatMap((state) => next(state, call));
  worlds.set(call.sid, distinct(after));
  if (after.length > 0) return;
  const right = before.flatMap((state) => expected(state, call));
  throw new HistoryFailure({ step: told(bench.lines), expected: anyOf(right), got: gotten(call.answer) });
}

/** Sessions that may have ended count or not. */
function counts({ bench, worlds }: Scene, { answer, askedAt, answeredAt }: Timed): void {
  const known = bench.sids.map((sid) => worlds.get(sid) ?? [null]);
  const most = known.filter((states) => states.some((state) => state !== null && askedAt <= state.last)).length;
  const least = known.filter((states) => states.every((state) => state !== null && answeredAt < state.first)).length;
  const said = 'value' in answer ? Number(answer.value) : Number.NaN;
  if (Number.isInteger(said) && said >= least && said <= most) return;
  throw new HistoryFailure({ step: told(bench.lines), expected: least === most ? `${least}` : `${least} to ${most}`, got: gotten(answer) });
}

async function atOnce({ clients }: Scene, steps: readonly Step[]): Promise<Call[]> {
  const underWay: Promise<Call[]>[] = [];
  for (const { client, action } of steps) {
    if (action.do === 'pause') await new Promise((resolve) => setImmediate(resolve));
    else underWay.push((clients[client] as Client).act(action));
  }
  return (await Promise.all(underWay)).flat();
}

function explain({ bench, worlds }: Scene, sid: string, calls: readonly Call[]): void {
  const { explained, order } = linearise(worlds.get(sid) ?? [null], calls);
  if (explained) return;
  const odd = calls.filter((call) => !order.includes(call));
  const got = `${order.length} of ${calls.length} calls of ${short(sid)} fit; not with them: ${odd.map((call) => call.operation.op + answerText(call.answer)).join(', ')}`;
  throw new HistoryFailure({ step: told(bench.lines), expected: 'answers that these calls give in some order, one after the other', got });
}

function distinct(states: readonly State[]): State[] {
  return [...new Map(states.map((state) => [JSON.stringify(state), state])).values()];
}

function told(lines: readonly string[]): string {
  return ['this history', ...lines.map((line, i) => `    ${i + 1}. ${line}`)].join('\n');
}

function anyOf(answers: readonly unknown[]): string {
  const texts = answers.map((answer) => (answer === undefined ? 'success' : short(answer)));
  return [...new Set(texts)].join(', or ');
}

function gotten(answer: Answer): string {
  return answerText(answer).replace(' -> ', '');
}

function report({ failed, errorInstance, numRuns, numShrinks, counterexample }: fc.RunDetails<[Step[]]>, seed: number): void {
  if (!failed) return;
  if (counterexample === null) throw new Error(`no history of calls ended within ${LIMIT_MS} ms`);
  if (!(errorInstance instanceof HistoryFailure)) throw errorInstance instanceof Error ? errorInstance : new Error(String(errorInstance));
  const [first, ...rest] = errorInstance.seen.step.split('\n');
  const found = `number ${numRuns} of seed ${seed}, made shorter ${numShrinks} times`;
  throw new HistoryFailure({ ...errorInstance.seen, step: [`${first} (${found})`, ...rest].join('\n') });
}
