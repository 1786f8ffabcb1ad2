/** The API in this process, over the rooms that this command opened, as the machine itself. */
import type { ApiRoom } from '../../api-room.ts';
import type { Transport } from './transport.ts';

export interface LocalParts {
  readonly room: ApiRoom;
  /** The host it is known by: it takes requests for no other. */
  readonly host: string;
  readonly fault: () => unknown;
}

export function localTransport({ fault, host, room }: LocalParts): Transport {
  return {
    place: 'this machine',
    toSignIn: null,
    fault,
    broken: (error) => error,
    send: async ({ body, headers, method, path }) => {
      const answer = await room.api.inject({
        method,
        url: path,
        headers: { ...headers, host, authorization: room.machineAuthorization },
        ...(body === null ? {} : { payload: body }),
        payloadAsStream: true,
      });
      return {
        status: answer.statusCode,
        contentType: String(answer.headers['content-type'] ?? ''),
        body: answer.stream(),
      };
    },
    close: () => room.close(),
  };
}
