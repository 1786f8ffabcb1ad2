/** Where a target is, as holdfast.yaml says it. */
import type { SecretRef } from './secret-ref.ts';

export const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

export interface UpstreamConfig {
  /** A URL without a password, or where one lies. */
  readonly url: { readonly kind: 'literal'; readonly text: string } | SecretRef;
  readonly password: SecretRef | null;
  /** Null: what the URL says, else `verify-full`, and `prefer` on this machine. */
  readonly sslmode: SslMode | null;
  readonly sslrootcert: string | null;
}
