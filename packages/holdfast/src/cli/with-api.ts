/**
 * Asks the API for one command: the gateway's at HOLDFAST_URL, or, without it, the same one in this
 * process over our own store, as the machine itself. Closed whatever happens, Ctrl-C included.
 *
 * Both ways are loaded when they are taken: a command that goes elsewhere opens no store, and one that
 * stays here no connection.
 */
import { ApiClient } from './api/api-client.ts';
import { apiUrlOf } from './api/api-url.ts';
import type { Context } from './command.ts';

export type ApiWork<T> = (api: ApiClient) => Promise<T>;

export async function withApi<T>(context: Context, work: ApiWork<T>): Promise<T> {
  const url = apiUrlOf(context.url, context.env);
  return url === null ? await here(context, work) : await elsewhere(context, url, work);
}

async function here<T>(context: Context, work: ApiWork<T>): Promise<T> {
  const [{ withRooms }, { openApiRoom }, { localTransport }] = await Promise.all([
    import('./with-rooms.ts'),
    import('../api-room.ts'),
    import('./api/local-transport.ts'),
  ]);
  const { clock, env } = context;
  return await withRooms(context, async (rooms) => {
    let fault: unknown = null;
    const room = await openApiRoom({
      rooms,
      env,
      clock,
      live: null,
      hasPages: false,
      withUndos: async (undoing) => {
        const { withUndoRoom } = await import('../undo-room.ts');
        return await withUndoRoom(rooms, env, clock, undoing);
      },
      agentByHash: () => null,
      trouble: (error) => {
        fault = error;
      },
    });
    const { host } = new URL(rooms.config.dashboard.url);
    const transport = localTransport({ room, host, fault: () => fault });
    try {
      return await work(new ApiClient(transport));
    } finally {
      await transport.close();
    }
  });
}

async function elsewhere<T>(context: Context, url: URL, work: ApiWork<T>): Promise<T> {
  const { secretFor } = await import('./api/secret.ts');
  return await withApiAt(context, { url, secret: secretFor(url, context.env) }, work);
}

/** Elsewhere, as whoever holds the secret; null: as nobody. */
export async function withApiAt<T>(
  { interrupt }: Context,
  to: { readonly url: URL; readonly secret: string | null },
  work: ApiWork<T>,
): Promise<T> {
  const { remoteTransport } = await import('./api/remote-transport.ts');
  const transport = remoteTransport(to);
  try {
    return await interrupt.race(work(new ApiClient(transport)));
  } finally {
    await transport.close();
  }
}

/** How long what is kept or put off in an environment is. */
export async function graceMsAt(api: ApiClient, environment: string): Promise<number> {
  const { items, otherwise } = await api.call('environments.list', {});
  return (items.find(({ name }) => name === environment) ?? otherwise).graceMs;
}
