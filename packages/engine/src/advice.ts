/** What is known of a middleware and a request. */
export interface Circumstances {
  cookie: { sameSite?: unknown; httpOnly?: unknown; secure?: unknown };
  /** Whether the connection is TLS. */
  secure: boolean;
  /** Whether the client sent several cookies of the name. */
  several: boolean;
  /** What signs. */
  secret: unknown;
  /** Whether sessions are in a store that is not ours. */
  isForeign: boolean;
  /** What makes the framework believe a proxy. */
  setting: string;
}

/** What could be stronger, and what often goes wrong. */
export function advise({ cookie, secure, several, secret, isForeign, setting }: Circumstances): string[] {
  const weak: [applies: boolean, advice: string][] = [
    [
      cookie.sameSite === undefined || cookie.sameSite === false,
      "set cookie.sameSite to 'lax' or 'strict': without it other sites can send requests in the user's name",
    ],
    [cookie.httpOnly === false, 'cookie.httpOnly is off: scripts of the page, and those that slip into it, can read the id'],
    [secure && cookie.secure !== true, 'the connection is TLS, but cookie.secure is not true: the cookie is sent over plain HTTP too'],
    [!secure && cookie.secure === true, `cookie.secure is on, but this connection is not known to be TLS; behind a proxy set ${setting}`],
    [cookie.sameSite === 'none' && cookie.secure !== true, "cookie.sameSite is 'none': browsers want cookie.secure with it"],
    [
      several,
      'the client sent several cookies of this name, perhaps one from a sibling domain; a name with the prefix __Host- cannot be set from there',
    ],
    [typeof secret === 'string' && secret.length < 16, 'the secret is shorter than 16 characters: it can be guessed from one cookie'],
    [isForeign, 'the store is not one of Sessile: parallel requests can overwrite each other, and a late one can bring a session back'],
  ];
  return weak.filter(([applies]) => applies).map(([, advice]) => advice);
}
