/** How a described API takes its credential: the header, and what stands before the secret in it. */
import { z } from 'zod';

export interface CredentialForm {
  readonly header: string;
  /** `Bearer `, or nothing. */
  readonly before: string;
  /** Every header that the file says a credential may come in. */
  readonly all: readonly string[];
}

const scheme = z.union([
  z.object({ type: z.literal('http'), scheme: z.string().regex(/^bearer$/i) }),
  z.object({ type: z.enum(['oauth2', 'openIdConnect']) }),
  z.object({
    type: z.literal('apiKey'),
    in: z.literal('header'),
    name: z.string().regex(/^[A-Za-z0-9-]{1,100}$/),
  }),
]);

/** Of the connection or of the message: no credential goes in one of these. */
const NEVER = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'content-type',
]);

/** Null: there is none that goes in a header. The first that the file asks for, else the first there is. */
export function credentialOf(
  schemes: Readonly<Record<string, unknown>>,
  security: readonly Readonly<Record<string, unknown>>[],
): CredentialForm | null {
  const forms = new Map<string, Pick<CredentialForm, 'header' | 'before'>>();
  for (const [name, value] of Object.entries(schemes)) {
    const parsed = scheme.safeParse(value);
    if (!parsed.success) continue;
    const found = parsed.data;
    if (found.type !== 'apiKey') forms.set(name, { header: 'authorization', before: 'Bearer ' });
    else if (!NEVER.has(found.name.toLowerCase())) {
      forms.set(name, { header: found.name.toLowerCase(), before: '' });
    }
  }
  const wanted = security.flatMap((one) => Object.keys(one)).find((name) => forms.has(name));
  const chosen = wanted === undefined ? [...forms.values()][0] : forms.get(wanted);
  if (chosen === undefined) return null;
  const headers = [...forms.values()].map(({ header }) => header);
  return { ...chosen, all: [...new Set(['authorization', 'cookie', ...headers])] };
}
