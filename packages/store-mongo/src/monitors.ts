/** What is looked at inside of a client. None of it is promised: any of it may be missing in another version. */
interface Insides {
  readonly topology?: { readonly s?: { readonly servers?: ReadonlyMap<string, Server> } };
}

interface Server {
  readonly monitor?: { readonly connection?: { readonly closed?: boolean; readonly socket?: { emit(event: string): unknown } } | null };
}

/**
 * Lets a client look for its servers again.
 *
 * A client asks its servers from time to time how they are. Where it does so on a socket that has just ended, mongodb 6.22 to 7.8 wait
 * for ever for that socket to drain, and the client never finds its server again. It happens where all connections end at once, and
 * only with servers that are polled, such as FerretDB and DocumentDB. Told that the socket has drained, the client sees that it is
 * closed.
 */
export function wakeMonitors(client: unknown): void {
  const { servers } = (client as Insides | undefined)?.topology?.s ?? {};
  for (const { monitor } of servers?.values() ?? []) {
    const connection = monitor?.connection;
    if (connection?.closed === true) connection.socket?.emit('drain');
  }
}
