/** Begins what stands for a sid that the server's text cannot hold. */
const WRITTEN = '~u:';

/** PostgreSQL's text holds everything but NUL. A sid that looks like our mark is written out too, so that no two share a key. */
export function keyOf(sid: string): string {
  return sid.includes('\0') || sid.startsWith(WRITTEN) ? WRITTEN + encodeURIComponent(sid) : sid;
}

/** The other way. */
export function sidOf(key: string): string {
  if (!key.startsWith(WRITTEN)) return key;
  try {
    return decodeURIComponent(key.slice(WRITTEN.length));
  } catch {
    // Another program's.
    return key;
  }
}
