/** Entries of the trail as lines of a list: what a person looks for, in plain words. */
import type { z } from 'zod';
import { cut } from '../model/text.ts';
import {
  entryFacts,
  entryFields,
  type Fields,
  fieldsIn,
  listIn,
  textIn,
} from '../trail/entry-facts.ts';
import type { FoundEntry } from '../trail/trail-finder.ts';
import type { TRAIL_ROUTES } from './contract/trail.ts';

export type TrailLine = z.input<(typeof TRAIL_ROUTES)['trail.list']['answer']>['items'][number];

const TEXT_CHARS_MAX = 500;
const OUTCOMES = ['done', 'failed', 'not-forwarded', 'unknown'] as const;

export function trailLine({ bytes, index, outcome }: FoundEntry): TrailLine {
  const entry = entryFields(bytes.toString('utf8'));
  const facts = entryFacts(bytes);
  const [first] = facts;
  const isOne = facts.length === 1;
  return {
    index: Number(index),
    kind: first?.kind ?? 'unreadable',
    at: (first?.at ?? new Date(0)).toISOString(),
    agent: isOne ? (first?.agent ?? null) : null,
    target: isOne ? (first?.target ?? null) : null,
    verdict: first?.verdict ?? null,
    rule: textIn(fieldsIn(entry['verdict'])['rule']),
    hold: first?.hold ?? null,
    text: cut(wordsOf(entry), TEXT_CHARS_MAX),
    outcome: outcome === null ? null : outcomeOf(outcome),
  };
}

function wordsOf(entry: Fields): string {
  switch (entry['kind']) {
    case 'decision':
      return statementIn(entry['text']);
    case 'outcome':
      return `Of ${String(entry['decision'])}: ${outcomeWords(fieldsIn(entry['outcome']))}`;
    case 'reads': {
      const [group] = listIn(entry['groups']).map(fieldsIn);
      const [unit] = listIn(group?.['units']).map(fieldsIn);
      return `${String(entry['total'])} read(s), such as: ${statementIn(unit?.['text'])}`;
    }
    default:
      return textIn(entry['message']) ?? '';
  }
}

function outcomeOf({ bytes, index }: NonNullable<FoundEntry['outcome']>): TrailLine['outcome'] {
  const fields = fieldsIn(entryFields(bytes.toString('utf8'))['outcome']);
  return {
    index: Number(index),
    kind: OUTCOMES.find((one) => one === fields['kind']) ?? 'unknown',
    words: cut(outcomeWords(fields), TEXT_CHARS_MAX),
  };
}

function outcomeWords({ kind, message, reason, tag }: Fields): string {
  return textIn(tag) ?? textIn(message) ?? textIn(reason) ?? textIn(kind) ?? '';
}

/** A text is kept as its beginning, with its length and digest. */
function statementIn(text: unknown): string {
  return textIn(fieldsIn(text)['start']) ?? '';
}
