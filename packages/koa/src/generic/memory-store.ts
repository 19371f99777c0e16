interface Entry {
  text: string;
  /** Ms since the epoch. */
  endsAt: number;
}

/** Sessions in this process, as texts. For development: it never removes what nobody asks for again. */
export class MemoryStore {
  readonly sessions = new Map<string, Entry>();

  get(sid: string): object | undefined {
    const entry = this.sessions.get(sid);
    if (entry === undefined) return undefined;
    if (entry.endsAt > Date.now()) return JSON.parse(entry.text) as object;
    this.sessions.delete(sid);
    return undefined;
  }

  /** @param ttlMs without it a session stays until it is destroyed. */
  set(sid: string, session: object, ttlMs?: number | null): void {
    this.sessions.set(sid, { text: JSON.stringify(session), endsAt: Date.now() + (ttlMs ?? Infinity) });
  }

  destroy(sid: string): void {
    this.sessions.delete(sid);
  }
}
