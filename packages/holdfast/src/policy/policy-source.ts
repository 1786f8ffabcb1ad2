/** What policy is read from, and what may be found wrong with it. */

/** What policy is made of; plain data, filled from holdfast.yaml by the composition root. */
export interface PolicySource {
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** Ids of preset rules that a rule of the files stands in for. */
  readonly replaces: readonly string[];
  /** Declared environments; `people` is the least number that signs any hold there. */
  readonly environments: readonly { readonly name: string; readonly people: number }[];
  readonly targets: readonly {
    readonly name: string;
    /** `schema.name`, or `name` for that function in any schema. */
    readonly functionsAllowed: readonly string[];
  }[];
}

export interface Finding {
  readonly severity: 'error' | 'warning';
  /** `policies/payments.cedar:3`, or `policy.replaces`. */
  readonly where: string;
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
}

/** `policies/x.cedar:3: expected …, found …. Hint.` */
export function sentenceOf(finding: Finding): string {
  return `${finding.where}: expected ${finding.expected}, found ${finding.found}. ${finding.hint}`;
}
