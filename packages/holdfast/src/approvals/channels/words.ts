/**
 * A notice in words, for every channel the same. All of it is made inert once more here: a notice comes
 * back from the store, and a channel relies on nobody for what it prints.
 */
import {
  NOTICE_FACT_CHARS_MAX,
  NOTICE_FACTS_MAX,
  NOTICE_TITLE_CHARS_MAX,
  NOTICES_NAMED_MAX,
} from '../../model/limits.ts';
import { inert } from '../inert.ts';
import type { Notice } from '../notice.ts';

const FACT_NAME_CHARS_MAX = 40;

export interface Words {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, text: string])[];
  /** http or https, without a user in it. */
  readonly link: string;
}

export function wordsOf({ facts, link, title }: Notice): Words {
  return {
    title: inert(title, NOTICE_TITLE_CHARS_MAX) || 'Holdfast',
    facts: facts
      .slice(0, Math.max(NOTICE_FACTS_MAX, NOTICES_NAMED_MAX + 1))
      .map(([name, text]) => [
        inert(name, FACT_NAME_CHARS_MAX),
        inert(text, NOTICE_FACT_CHARS_MAX),
      ]),
    link: safeLink(link),
  };
}

/** `name: text`, one a line. */
export function factLines({ facts }: Words): string[] {
  return facts.map(([name, text]) => `${name}: ${text}`);
}

/** As a URL writes itself: no blank, no control character, no quote. */
function safeLink(link: string): string {
  const url = URL.parse(link);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '') return '';
  return url.href.replaceAll("'", '%27');
}
