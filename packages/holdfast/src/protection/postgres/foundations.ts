/** What lies in schema `holdfast` besides the wall's own: one readable list, in the order it is laid. */
import { actsFoundation } from './acts/foundation.ts';
import type { Probe } from './wall/check.ts';
import { type Foundation, foundation } from './wall/foundation.ts';

export const FOUNDATIONS = ({ ddlOwner }: { readonly ddlOwner: string }): readonly Foundation[] => [
  foundation(
    'acts',
    'receipts',
    'One-time receipts, and what makes changes of structure reversible',
    actsFoundation({ ddlOwner }),
  ),
];

/** What the check asks besides: each looks at what its part laid. */
export const PROBES: readonly Probe[] = [];
