import type { Proposals } from '../../approvals/proposals.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Signed, Spoken } from '../../model/signed.ts';
import type { Target } from '../../model/target.ts';
import { keptNowhere, type Restores } from '../../recovery/restore/restores.ts';
import type { RESTORE_ROUTES } from '../contract/restores.ts';
import type { Handlers } from '../handler.ts';
import { type People, signedOf } from '../word.ts';
import { proposalView } from './proposals.ts';

export interface RestoreRouteParts {
  /** Null: nobody in this process keeps recovery points. */
  readonly restores: () => Restores | null;
  readonly proposals: Pick<Proposals, 'open'>;
  readonly people: People;
  /** Spends the code, or looks at the session: HF_TOTP_WRONG, HF_NOT_FOUND, HF_SIGN_IN, HF_FORBIDDEN. */
  readonly prove: (signed: Signed) => Promise<Spoken>;
  readonly targetOf: (name: string) => Target;
}

export function restoreRoutes(parts: RestoreRouteParts): Handlers<typeof RESTORE_ROUTES> {
  const { people, proposals, prove, targetOf } = parts;
  const there = (): Restores => {
    const restores = parts.restores();
    if (restores === null) throw keptNowhere();
    return restores;
  };
  return {
    'restores.view': ({ params: { target }, query: { asOf, vault = null } }) =>
      there().view({ target, vault, asOf }),
    'restores.begin': ({ body, params: { target }, principal }) => {
      const { asOf, vault = null, wish } = body;
      return there().begin({ target, vault, wish, asOf, by: whoOf(principal), into: null });
    },
    'restores.list': async ({ params }) => ({ items: [...(await there().list(params.target))] }),
    'restores.show': ({ params: { id, target } }) => there().show(target, id),
    'restores.diff': ({ params: { id, target }, principal }) =>
      there().diff(target, id, whoOf(principal)),
    'restores.preview': ({ body, params: { id, target } }) => there().preview(target, id, body),
    'restores.write-back': async ({ body, params: { id, target }, principal }) => {
      const { code, person, ...words } = body;
      const signed = await signedOf(principal, { code, person }, 'undo.apply', people);
      const restores = there();
      // Before the code is spent: it would be for nothing.
      await restores.mustBeFree(target, id);
      return restores.writeBack(target, id, words, await prove(signed));
    },
    'restores.promotion': async ({ body, params: { id, target } }) => {
      const act = await there().promotion(target, id, body);
      const proposed = { ...act, kind: 'promote-restore', target: targetOf(target) } as const;
      return proposalView(await proposals.open(proposed));
    },
    'restores.discard': ({ params: { id, target }, principal }) =>
      there().discard(target, id, whoOf(principal)),
  };
}

/** Agents never come here: no permission is theirs. */
function whoOf(principal: Principal | null): string {
  return principal?.kind === 'person' ? principal.name : 'this machine';
}
