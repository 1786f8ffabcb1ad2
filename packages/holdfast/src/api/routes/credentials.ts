import type { CredentialListing, Credentials } from '../../identity/credentials.ts';
import type { CREDENTIAL_ROUTES } from '../contract/credentials.ts';
import type { Handlers } from '../handler.ts';

export function credentialRoutes(credentials: Credentials): Handlers<typeof CREDENTIAL_ROUTES> {
  return {
    'credentials.list': async () => ({ items: (await credentials.list()).map(view) }),
    'credentials.put': async ({ body, params }) =>
      view(await credentials.add(params.name, body.secret)),
    'credentials.remove': async ({ params }) => {
      await credentials.remove(params.name);
      return { removed: params.name };
    },
  };
}

function view({ addedAt, fingerprint, isOld, name }: CredentialListing) {
  return { name, fingerprint, addedAt: addedAt.toISOString(), isOld };
}
