/**
 * What every answer says to the browser, and what a POST must bring.
 *
 * @module
 */

const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** @type {(req: any, res: any, next: () => void) => void} */
export function securityHeaders(req, res, next) {
  res.set(headers);
  next();
}

/** @type {(req: any, res: any, next: () => void) => void} */
export function noStore(req, res, next) {
  res.set('Cache-Control', 'no-store');
  next();
}

/**
 * A form on another site can post, but it cannot add a header of its own: with the cookie's `SameSite=Lax` this keeps
 * other sites from acting in the name of who is signed in.
 *
 * @type {(req: any, res: any, next: () => void) => void}
 */
export function requireOwnHeader(req, res, next) {
  if (req.method === 'GET' || req.method === 'HEAD' || req.get('X-Sessile-Demo') === '1') return next();
  res.status(403).json({ error: 'A POST needs the header X-Sessile-Demo: 1.' });
}
