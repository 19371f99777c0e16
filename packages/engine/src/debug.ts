import createDebug from 'debug';

const own = createDebug('sessile');
const stock = createDebug('express-session');

/** Whether anybody listens: `DEBUG=sessile`, or `DEBUG=express-session` as before. */
export function isDebugging(): boolean {
  return own.enabled || stock.enabled;
}

/** A line for who debugs. It never holds an id or data. */
export function debug(message: string): void {
  if (own.enabled) own(message);
  else if (stock.enabled) stock(message);
}
