import { readCookies } from './cookies.js';

/** How an id travels: in a cookie; in `Authorization: Bearer`; in a header of the app's own. */
export type TransportOption = 'cookie' | 'bearer' | { header: string };

/** The headers of a request. */
export interface Headers {
  [name: string]: string | string[] | undefined;
}

const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** @throws TypeError for what is none. */
export function checkTransports(option: TransportOption | readonly TransportOption[]): readonly TransportOption[] {
  const list = Array.isArray(option) ? (option as readonly TransportOption[]) : [option as TransportOption];
  const wrong = list.length === 0 || !list.every(isTransport);
  if (wrong) throw new TypeError('transport option must be "cookie", "bearer", { header: "a-header-name" }, or a list of them');
  return list.map((one) => (typeof one === 'object' ? { header: one.header.toLowerCase() } : one));
}

function isTransport(one: TransportOption): boolean {
  if (one === 'cookie' || one === 'bearer') return true;
  return typeof one?.header === 'string' && HEADER.test(one.header);
}

/** What a request sends as its signed id, in the order of the transports; a cookie may come several times. */
export function* presented(headers: Headers, transports: readonly TransportOption[], name: string): Generator<string> {
  for (const transport of transports) {
    if (transport === 'cookie') {
      for (const value of readCookies(headers['cookie'] as string | undefined, name)) if (value.startsWith('s:')) yield value.slice(2);
    } else {
      const token = tokenIn(headers, transport);
      if (token !== undefined) yield token;
    }
  }
}

/** The signed id in a header; undefined where it is not there. */
export function tokenIn(headers: Headers, transport: Exclude<TransportOption, 'cookie'>): string | undefined {
  const token = transport === 'bearer' ? bearer(headers['authorization']) : headers[transport.header];
  return typeof token === 'string' && token !== '' ? token : undefined;
}

function bearer(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? /^bearer +([^\s]+)$/i.exec(header)?.[1] : undefined;
}
