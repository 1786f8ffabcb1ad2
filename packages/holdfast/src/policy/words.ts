/** Fills the placeholders of a rule's `@reason` and `@hint` with what was found in the text. */
import type { Effect, ObjectRef, Reading } from '../model/effect.ts';
import { recoveryRemedy, recoveryWords } from '../model/recovery-facts.ts';
import type { Scope } from './judge.ts';
import { PLACEHOLDERS, type Placeholder } from './rule.ts';

export interface Occasion {
  readonly scope: Scope;
  readonly reading: Reading;
  readonly effect: Effect;
  readonly code: string;
}

/** Names come from the agent's text: kept short, and on one line, before people read them. */
const WORD_CHARS_MAX = 200;

export function reasonOf(template: string, occasion: Occasion): string {
  return template.replaceAll(/\{([a-z]+)\}/g, (whole, name: string) => {
    const placeholder = PLACEHOLDERS.find((one) => one === name);
    if (placeholder === undefined) return whole;
    const words = fill(placeholder, occasion);
    // Longer than a name, and none of it from the agent.
    return placeholder === 'remedy' ? words : tame(words);
  });
}

function fill(placeholder: Placeholder, { scope, effect, code }: Occasion): string {
  switch (placeholder) {
    case 'verb':
      return effect.verb;
    case 'object':
      return effect.object === null ? scope.target.name : objectName(effect.object);
    case 'why':
      // A part of a sentence here, whatever it was where it comes from.
      return effect.why?.replace(/\.$/, '') ?? 'the reader gave no reason';
    case 'code':
      return code;
    case 'agent':
      return scope.actor.name;
    case 'target':
      return scope.target.name;
    case 'environment':
      return scope.target.environment.name;
    case 'recovery':
      return recoveryWords(scope.recovery);
    case 'remedy':
      return recoveryRemedy(scope.recovery, scope.target.name);
    default:
      return placeholder satisfies never;
  }
}

function objectName(object: ObjectRef): string {
  return object.schema === null ? object.name : `${object.schema}.${object.name}`;
}

/** On one line, kept short, without what plays on a screen. */
export function tame(word: string): string {
  if (/^[ -~]{0,200}$/.test(word)) return word;
  const line = word.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
  return line.length > WORD_CHARS_MAX ? `${line.slice(0, WORD_CHARS_MAX)}…` : line;
}
