/**
 * Makes entries: canonical JSON (see `model/canonical.ts`), version 1, and their leaf hash.
 *
 * This runs for every decision, so it does not sort keys: each shape is written with its keys in
 * canonical order, and `entry.test.ts` holds the bytes against the checked canonicaliser. What
 * repeats (of a session, of a shape of statement) is rendered once, and ASCII is copied, not encoded.
 * The leaf is hashed when the entry gets its place: not before the statement may go, and then many in
 * one go, with warm caches.
 * It will not write a secret: it is handed ids and names, and statement texts cut to a stated size.
 */
import { isAscii } from 'node:buffer';
import { hash } from 'node:crypto';
import type { AgentActor } from '../model/actor.ts';
import { canonicalJson } from '../model/canonical.ts';
import type { Clock } from '../model/clock.ts';
import type { Effect, Reading } from '../model/effect.ts';
import type { HoldfastEvent } from '../model/event.ts';
import type { SessionFacts } from '../model/intent.ts';
import {
  ENTRY_EFFECTS_MAX,
  ENTRY_NAME_CHARS_MAX,
  ENTRY_SENTENCE_CHARS_MAX,
  ENTRY_TEXT_CHARS_MAX,
} from '../model/limits.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Target } from '../model/target.ts';
import { cut, startOf } from '../model/text.ts';
import type { Verdict } from '../model/verdict.ts';
import type { Decision } from './recorder.ts';
import { leafHashOfPrefixed } from './verify/tree.ts';

/** An entry that has no place in the trail yet. */
export class Draft {
  readonly kind: string;
  readonly bytes: Buffer;
  readonly decisionIndex: bigint | null;
  /** When it is not of the instance that appends it. */
  readonly instanceId: string | undefined;
  /** The leaf is hashed with a 0x00 in front: encoded in one go, one buffer kept. */
  readonly #prefixed: Buffer;

  constructor(kind: string, prefixed: Buffer, decisionIndex: bigint | null, instanceId?: string) {
    this.kind = kind;
    this.bytes = prefixed.subarray(1);
    this.decisionIndex = decisionIndex;
    this.instanceId = instanceId;
    this.#prefixed = prefixed;
  }

  /** Hashed at each call: whoever places the entry asks once. */
  leaf(): Buffer {
    return leafHashOfPrefixed(this.#prefixed);
  }
}

/** What is the same in all decisions of a session on one target. */
interface SessionLines {
  readonly actor: AgentActor;
  readonly target: Target;
  readonly head: string;
  readonly middle: string;
  readonly isAscii: boolean;
}

/** What is the same in all decisions with one reading, under one policy. */
interface ReadingLines {
  readonly policyVersion: string;
  readonly effects: string;
  readonly policy: string;
  readonly isAscii: boolean;
}

interface VerdictLine {
  readonly tail: string;
  readonly isAscii: boolean;
}

export class EntryMaker {
  readonly #instance: string;
  readonly #isAscii: boolean;
  readonly #clock: Clock;
  readonly #ofSessions = new WeakMap<SessionFacts, SessionLines>();
  readonly #ofReadings = new WeakMap<Reading, ReadingLines>();
  /** A judge has one verdict per session and reading, so it is looked up by itself. */
  readonly #ofVerdicts = new WeakMap<Verdict, VerdictLine>();
  #isoMs = Number.NaN;
  #iso = '';

  constructor(instanceId: string, clock: Clock) {
    this.#instance = JSON.stringify(instanceId);
    this.#isAscii = isAsciiText(instanceId);
    this.#clock = clock;
  }

  /** `sequence`: its place in this instance's journal; null without a journal. */
  decision(decision: Decision, sequence: number | null = null): Draft {
    const ofSession = this.#sessionLines(decision);
    const ofReading = this.#readingLines(decision);
    const ofVerdict = this.#verdictLine(decision.verdict);
    const text = decision.intent.text();
    const isPlain =
      decision.holdId === null &&
      ofSession.isAscii &&
      ofReading.isAscii &&
      ofVerdict.isAscii &&
      isAscii(text);
    const json =
      ofSession.head +
      quote(decision.digest) +
      ofReading.effects +
      nullable(decision.holdId) +
      ofReading.policy +
      sequence +
      ofSession.middle +
      textJson(text, ENTRY_TEXT_CHARS_MAX) +
      ',"time":"' +
      this.now() +
      ofVerdict.tail;
    return draft('decision', json, null, isPlain);
  }

  #sessionLines({ intent: { actor, session }, target }: Decision): SessionLines {
    const known = this.#ofSessions.get(session);
    if (known !== undefined && known.actor === actor && known.target === target) return known;
    const head = `{"actor":${actorJson(actor)},"digest":`;
    const middle = `,"session":${sessionJson(session)},"target":${targetJson(target)},"text":`;
    const lines = { actor, target, head, middle, isAscii: isAsciiText(head + middle) };
    this.#ofSessions.set(session, lines);
    return lines;
  }

  #readingLines({ intent: { reading }, policyVersion }: Decision): ReadingLines {
    const known = this.#ofReadings.get(reading);
    if (known?.policyVersion === policyVersion) return known;
    const effects = `,${readingJson(reading)},"hold":`;
    const policy =
      `,"instance":${this.#instance},"kind":"decision","policy":${quote(policyVersion)},` +
      '"sequence":';
    const lines = { policyVersion, effects, policy, isAscii: isAsciiText(effects + policy) };
    this.#ofReadings.set(reading, lines);
    return lines;
  }

  #verdictLine(verdict: Verdict): VerdictLine {
    let line = this.#ofVerdicts.get(verdict);
    if (line === undefined) {
      const tail = `","v":1,"verdict":${verdictJson(verdict)}}`;
      line = { tail, isAscii: isAsciiText(tail) };
      this.#ofVerdicts.set(verdict, line);
    }
    return line;
  }

  outcome(decisionIndex: bigint, outcome: Outcome): Draft {
    const isPlain = outcome.kind === 'done' && PLAIN.test(outcome.tag);
    const json =
      `{"decision":${decisionIndex},"instance":${this.#instance},"kind":"outcome",` +
      `"outcome":${outcomeJson(outcome)},"time":"${this.now()}","v":1}`;
    return draft('outcome', json, decisionIndex, isPlain && this.#isAscii);
  }

  event(event: HoldfastEvent): Draft {
    const facts = Object.entries(event.facts).map(([name, value]) => [name, plain(value)]);
    const json =
      `{"facts":${canonicalJson(Object.fromEntries(facts))},"instance":${this.#instance},` +
      `"kind":${quote(event.kind)},"message":${sentence(event.message)},` +
      `"time":"${this.now()}","v":1}`;
    return draft(event.kind, json, null);
  }

  /** `groups` and `total` as `read-batch.ts` rendered them. */
  reads(groups: string, total: number, fromMs: number, toMs: number): Draft {
    const json =
      `{"from":"${isoTime(fromMs)}","groups":${groups},"instance":${this.#instance},` +
      `"kind":"reads","time":"${this.now()}","to":"${isoTime(toMs)}","total":${total},"v":1}`;
    return draft('reads', json, null);
  }

  /** Making the text of a time costs as much as a hash; within a millisecond it is the same. */
  now(): string {
    const ms = this.#clock.now().getTime();
    if (ms !== this.#isoMs) {
      this.#isoMs = ms;
      this.#iso = isoTime(ms);
    }
    return this.#iso;
  }
}

/** A decision as another process wrote it into its journal; its bytes are kept as they are. */
export function journaledDraft(bytes: Buffer, instanceId: string): Draft {
  return new Draft('decision', Buffer.concat([Buffer.alloc(1), bytes]), null, instanceId);
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** `isPlain`: all of it is known to be ASCII, which is the same bytes in Latin-1, and is copied. */
function draft(
  kind: string,
  json: string,
  decisionIndex: bigint | null,
  isPlain: boolean = false,
): Draft {
  const prefixed = Buffer.from(`\u0000${json}`, isPlain ? 'latin1' : 'utf8');
  return new Draft(kind, prefixed, decisionIndex);
}

function isAsciiText(text: string): boolean {
  return isAscii(Buffer.from(text, 'utf8'));
}

/** Nothing in it is escaped in JSON. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Renders an object once, for as long as the object lives. */
function once<T extends object>(render: (value: T) => string): (value: T) => string {
  const rendered = new WeakMap<T, string>();
  return (value) => {
    let json = rendered.get(value);
    if (json === undefined) {
      json = render(value);
      rendered.set(value, json);
    }
    return json;
  };
}

export const actorJson = once(
  ({ id, name: agent, tokenId }: AgentActor) =>
    `{"id":${name(id)},"kind":"agent","name":${name(agent)},"token":${name(tokenId)}}`,
);

export const sessionJson = once(
  ({ client, id, protocol, source }: SessionFacts) =>
    `{"client":${name(client)},"id":${name(id)},"protocol":"${protocol}","source":${name(source)}}`,
);

export const targetJson = once(
  ({ environment, name: target, protocol, resolvedBy }: Target) =>
    `{"environment":{"level":"${environment.level}","name":${name(environment.name)}},` +
    `"name":${name(target)},"protocol":"${protocol}","resolvedBy":${sentence(resolvedBy)}}`,
);

function readingJson(reading: Reading): string {
  const effects = reading.effects.slice(0, ENTRY_EFFECTS_MAX).map(effectJson).join(',');
  return (
    `"effectCount":${reading.effects.length},"effects":[${effects}],` +
    `"fault":${reading.kind === 'understood' ? 'null' : faultJson(reading.reason)}`
  );
}

function faultJson(reason: { code: string; message: string; position: number | null }): string {
  const { code, message, position } = reason;
  return `{"code":"${code}","message":${sentence(message)},"position":${position}}`;
}

function effectJson({ additive, kind, object, reach, verb, why }: Effect): string {
  const named =
    object === null
      ? 'null'
      : `{"name":${name(object.name)},"schema":${object.schema === null ? 'null' : name(object.schema)},` +
        `"type":"${object.type}"}`;
  return (
    `{"additive":${additive},"kind":"${kind}","object":${named},"reach":"${reach}",` +
    `"verb":${name(verb)},"why":${why === null ? 'null' : sentence(why)}}`
  );
}

function verdictJson(verdict: Verdict): string {
  const grounds = `"reason":${sentence(verdict.reason)},"rule":${name(verdict.rule)}}`;
  switch (verdict.kind) {
    case 'forward':
      return `{"kind":"forward",${grounds}`;
    case 'protect': {
      if (verdict.reversal === undefined) return `{"kind":"protect",${grounds}`;
      const { reason, reversal, rule } = verdict;
      return (
        `{"kind":"protect","reason":${sentence(reason)},"reversal":"${reversal}",` +
        `"rule":${name(rule)}}`
      );
    }
    case 'hold':
      return `{"kind":"hold","people":${verdict.people},${grounds}`;
    case 'refuse':
      return `{"hint":${sentence(verdict.hint)},"kind":"refuse",${grounds}`;
    default:
      return verdict satisfies never;
  }
}

function outcomeJson(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'done':
      return `{"kind":"done","tag":${name(outcome.tag)},"transaction":"${outcome.transaction}"}`;
    case 'failed':
      return `{"code":${name(outcome.code)},"kind":"failed","message":${sentence(outcome.message)}}`;
    case 'not-forwarded':
    case 'unknown':
      return `{"kind":"${outcome.kind}","reason":${sentence(outcome.reason)}}`;
    default:
      return outcome satisfies never;
  }
}

/** The start of a text, with the length (UTF-16 units) and SHA-256 (of the UTF-8) of all of it. */
export function textJson(text: Buffer, charsMax: number): string {
  const sum = hash('sha256', text, 'hex');
  if (isAscii(text)) {
    const start = JSON.stringify(text.toString('latin1', 0, charsMax));
    return `{"chars":${text.length},"sha256":"${sum}","start":${start}}`;
  }
  const chars = text.toString('utf8').length;
  return `{"chars":${chars},"sha256":"${sum}","start":${quote(startOf(text, charsMax))}}`;
}

function name(text: string): string {
  return quote(cut(text, ENTRY_NAME_CHARS_MAX));
}

function sentence(text: string): string {
  return quote(cut(text, ENTRY_SENTENCE_CHARS_MAX));
}

function nullable(text: string | null): string {
  return text === null ? 'null' : quote(text);
}

function plain(value: string | number | boolean | null): string | number | boolean | null {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' ? wellFormed(cut(value, ENTRY_SENTENCE_CHARS_MAX)) : value;
}

function quote(text: string): string {
  const json = JSON.stringify(text);
  // A lone surrogate, and nothing else, is escaped as \ud...: rare enough to look twice.
  return json.includes('\\ud') ? JSON.stringify(wellFormed(text)) : json;
}

function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '\ufffd');
}
