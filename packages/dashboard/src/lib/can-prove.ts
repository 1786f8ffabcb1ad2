interface Proofs {
  readonly hasCodes: boolean;
  readonly passkeys: readonly { readonly isSuspended: boolean }[];
}

/** With a passkey or codes; who comes by single sign-on alone has nothing of ours to show, and signs nothing. */
export function canProve({ hasCodes, passkeys }: Proofs): boolean {
  return hasCodes || passkeys.some(({ isSuspended }) => !isSuspended);
}
