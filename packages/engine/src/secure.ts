/** What tells whether a request came over TLS. */
export interface MaybeSecure {
  headers: { [name: string]: string | string[] | undefined };
  socket?: { encrypted?: boolean } | object | null;
  connection?: { encrypted?: boolean } | object | null;
  /** Express's own answer, by its setting `trust proxy`. */
  secure?: boolean;
}

/**
 * Whether a request came over TLS.
 *
 * @param proxy true: believe the first `X-Forwarded-Proto`; false: believe the socket alone; undefined: believe `request.secure`.
 */
export function isSecure(request: MaybeSecure, proxy: boolean | undefined): boolean {
  const socket: { encrypted?: boolean } | null | undefined = request.socket ?? request.connection;
  if (socket?.encrypted) return true;
  if (proxy === false) return false;
  if (proxy !== true) return request.secure === true;
  const header = request.headers['x-forwarded-proto'];
  const [first = ''] = (Array.isArray(header) ? (header[0] ?? '') : (header ?? '')).split(',');
  return first.trim().toLowerCase() === 'https';
}
