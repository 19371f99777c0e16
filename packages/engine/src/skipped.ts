const reasons = new WeakMap<object, string>();

/** Notes why a request is served without a session. */
export function noteSkipped(request: object, reason: string): void {
  reasons.set(request, reason);
}

/** Why a request was served without a session; undefined where it never came to the middleware. */
export function skippedBecause(request: object): string | undefined {
  return reasons.get(request);
}
