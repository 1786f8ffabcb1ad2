/**
 * One rule: a Cedar policy with what its annotations say. Annotations are read strictly, because a
 * misspelt `@verdict` on a forbid would otherwise change what it does without a word.
 */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { nearest } from '../model/nearest.ts';

export type RuleVerdict = 'forward' | 'protect' | 'hold' | 'refuse';

export interface Rule {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly verdict: RuleVerdict;
  /** For a hold: distinct people, at least 1. */
  readonly people: number;
  /** With placeholders; see PLACEHOLDERS. */
  readonly reason: string;
  readonly hint: string;
  /** Why it cannot be replaced; null when it can. */
  readonly fixed: string | null;
  /** Where it stands: `preset guarded` or a file's path. */
  readonly origin: string;
  readonly line: number;
  readonly preset: boolean;
  /** As written, comments around it left out. */
  readonly text: string;
  readonly json: PolicyJson;
}

/** What `@reason` and `@hint` may mention in braces. */
export const PLACEHOLDERS = [
  'verb',
  'object',
  'why',
  'code',
  'agent',
  'target',
  'environment',
  'recovery',
  'remedy',
] as const;
export type Placeholder = (typeof PLACEHOLDERS)[number];

const ANNOTATIONS = ['id', 'verdict', 'people', 'reason', 'hint', 'fixed'];
const FORBID_VERDICTS: readonly string[] = ['protect', 'hold', 'refuse'];
/** More signatures than anybody has on call is a typing error. */
const PEOPLE_MAX = 9;

const HINT = 'There is no approval for this: a person would have to change the policy.';

export interface RuleSource {
  readonly origin: string;
  readonly line: number;
  readonly preset: boolean;
  readonly text: string;
}

/** A complaint about a rule: expected and found, each half a sentence. */
interface Complaint {
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
}

export type RuleOrComplaints =
  | { readonly kind: 'rule'; readonly rule: Rule }
  | { readonly kind: 'complaints'; readonly complaints: readonly Complaint[] };

export function ruleOf(source: RuleSource, json: PolicyJson): RuleOrComplaints {
  const notes = json.annotations ?? {};
  const complaints = [
    ...unknownAnnotations(notes, source.preset),
    ...idComplaints(notes),
    ...verdictComplaints(json.effect, notes),
    ...placeholderComplaints(notes),
  ];
  if (complaints.length > 0) return { kind: 'complaints', complaints };
  const id = notes['id'] ?? '';
  return {
    kind: 'rule',
    rule: {
      ...source,
      id,
      effect: json.effect,
      verdict: verdictOf(json.effect, notes['verdict']),
      people: Number(notes['people'] ?? '1'),
      reason: notes['reason'] ?? `rule ${id} forbids {verb} on {target}`,
      hint: notes['hint'] ?? HINT,
      fixed: notes['fixed'] ?? null,
      json,
    },
  };
}

/** A forbid that does not say otherwise refuses. */
function verdictOf(effect: PolicyJson['effect'], said: string | undefined): RuleVerdict {
  if (effect === 'permit') return 'forward';
  return said === 'hold' || said === 'protect' ? said : 'refuse';
}

type Notes = Readonly<Record<string, string>>;

function unknownAnnotations(notes: Notes, preset: boolean): Complaint[] {
  const known = preset ? ANNOTATIONS : ANNOTATIONS.filter((name) => name !== 'fixed');
  return Object.keys(notes)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      expected: `annotations ${known.map((one) => `@${one}`).join(', ')}`,
      found: `@${name}`,
      hint: `Did you mean @${nearest(name, known) ?? 'reason'}?`,
    }));
}

function idComplaints(notes: Notes): Complaint[] {
  const id = notes['id'];
  if (id !== undefined && /^[a-z0-9][a-z0-9._-]{0,63}$/.test(id)) return [];
  return [
    {
      expected: '@id("...") with lower-case letters, digits, dots and dashes',
      found: id === undefined ? 'a rule without @id' : `@id("${id}")`,
      hint: 'The id stands in each decision of the trail: give one that stays, such as @id("payments.never").',
    },
  ];
}

function verdictComplaints(effect: PolicyJson['effect'], notes: Notes): Complaint[] {
  const found: Complaint[] = [];
  const { verdict, people } = notes;
  if (effect === 'permit' && verdict !== undefined) {
    found.push({
      expected: 'a permit without @verdict: it always forwards',
      found: `@verdict("${verdict}")`,
      hint: 'Write a forbid with this verdict.',
    });
  }
  if (effect === 'forbid' && verdict !== undefined && !FORBID_VERDICTS.includes(verdict)) {
    found.push({
      expected: `@verdict of ${FORBID_VERDICTS.join(', ')}`,
      found: `@verdict("${verdict}")`,
      hint: `Did you mean "${nearest(verdict, FORBID_VERDICTS) ?? 'hold'}"?`,
    });
  }
  if (people === undefined) return found;
  if (verdict !== 'hold' || !/^[1-9]$/.test(people)) {
    found.push({
      expected: `@people("1") to @people("${PEOPLE_MAX}"), with @verdict("hold")`,
      found: `@people("${people}") with verdict ${verdict ?? 'refuse (none said)'}`,
      hint: 'Only a hold waits for people.',
    });
  }
  return found;
}

function placeholderComplaints(notes: Notes): Complaint[] {
  const known: readonly string[] = PLACEHOLDERS;
  return [notes['reason'] ?? '', notes['hint'] ?? '']
    .flatMap((text) => [...text.matchAll(/\{([^}]*)\}/g)].map((match) => match[1] ?? ''))
    .filter((name) => !known.includes(name))
    .map((name) => ({
      expected: `placeholders ${known.map((one) => `{${one}}`).join(', ')}`,
      found: `{${name}}`,
      hint: `Did you mean {${nearest(name, known) ?? 'verb'}}?`,
    }));
}
