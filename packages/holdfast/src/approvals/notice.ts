/**
 * A notice: what people are told without having asked, as data. Facts that Holdfast resolved, in few
 * words, and a link to where they can look closer and decide after they have signed in.
 *
 * What it will not carry: a secret, a token, or a link that decides anything by being opened.
 */
import type { Effect } from '../model/effect.ts';
import {
  NOTICE_FACT_CHARS_MAX,
  NOTICE_FACTS_MAX,
  NOTICE_TITLE_CHARS_MAX,
  NOTICES_NAMED_MAX,
} from '../model/limits.ts';
import {
  IMPORTANCES,
  type Importance,
  type NoticeKind,
  SIGNALS,
  type SignalName,
} from '../model/notice-kind.ts';
import type { Card, HoldCard, HoldRecord } from './hold.ts';
import { inert } from './inert.ts';
import type { ProposalCard } from './proposed-act.ts';
import { statementLine } from './statement-line.ts';

export interface Notice {
  /** Stays the same through every try: `hold_….opened`. Receivers may tell repeats by it. */
  readonly id: string;
  readonly kind: NoticeKind;
  readonly importance: Importance;
  /** Our words, with names of others made inert. */
  readonly title: string;
  /** Name and text, both inert: `['target', 'main-db']`. */
  readonly facts: readonly (readonly [name: string, text: string])[];
  /** Into the dashboard, where one has to sign in. It shows, and decides nothing. */
  readonly link: string;
  readonly at: Date;
  /** Where it is about; null for what is about no environment. */
  readonly environment: { readonly name: string; readonly level: string } | null;
}

/** A signal as the trail has it. */
export interface Signal {
  /** Of the entry. */
  readonly index: bigint;
  readonly kind: SignalName;
  readonly message: string;
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
  readonly at: Date;
  /** Of this kind since the last look; more than one: this stands for all of them. */
  readonly times: number;
}

/** The dashboard as people reach it, without a slash at the end: `https://holdfast.example.com`. */
export type DashboardUrl = string;

export type HeldRecord = HoldRecord<HoldCard> | HoldRecord<ProposalCard>;

/** How a hold ended, or that nobody has answered: what is told after it was told to be open. */
export type HoldStep = 'opened' | 'signed' | 'denied' | 'expired' | 'void' | `escalated-${number}`;

export function noticeOfHold(
  hold: HeldRecord,
  step: HoldStep,
  at: Date,
  dashboard: DashboardUrl,
): Notice {
  const { card } = hold;
  const who = askerOf(card);
  return {
    id: `${hold.id}.${step}`,
    ...headOf(hold, step, who),
    facts: factsOf([
      ['environment', `${card.environment} (${card.environmentLevel})`],
      ['target', card.target],
      ['asked by', who],
      [
        'would',
        card.couldNotTell === null ? worst(card) : `could not be told: ${card.couldNotTell}`,
      ],
      ['statement', statementLine(card.statement, NOTICE_FACT_CHARS_MAX)],
      ['held because', card.reason],
      ['people', `${hold.signatures.length} of ${hold.peopleNeeded} have signed`],
      ...(step === 'denied' ? denialOf(hold) : []),
      [step === 'expired' ? 'expired' : 'expires', hold.expiresAt.toISOString()],
    ]),
    link: linkTo(dashboard, 'holds', hold.id),
    at,
    environment: { name: card.environment, level: card.environmentLevel },
  };
}

function headOf(
  hold: HeldRecord,
  step: HoldStep,
  who: string,
): Pick<Notice, 'kind' | 'importance' | 'title'> {
  const where = `${hold.card.target} in ${hold.card.environment}`;
  const title = (words: string): string => inert(words, NOTICE_TITLE_CHARS_MAX);
  switch (step) {
    case 'opened':
      return {
        kind: 'actKind' in hold.card ? 'proposal-opened' : 'hold-opened',
        importance: 'now',
        title: title(`${who} waits for people: ${where}`),
      };
    case 'signed':
      return { kind: 'hold-decided', importance: 'soon', title: title(`Approved: ${where}`) };
    case 'denied':
      return { kind: 'hold-decided', importance: 'soon', title: title(`Denied: ${where}`) };
    case 'expired':
      return {
        kind: 'hold-decided',
        importance: 'soon',
        title: title(`Expired, nothing was done: ${where}`),
      };
    case 'void':
      return {
        kind: 'hold-decided',
        importance: 'soon',
        title: title(`Void, something had changed: ${where}`),
      };
    default:
      return {
        kind: 'hold-escalated',
        importance: 'now',
        title: title(`Nobody has answered: ${who} waits for ${where}`),
      };
  }
}

function denialOf(hold: HeldRecord): (readonly [string, string])[] {
  return [
    ['denied by', hold.decidedBy ?? ''],
    ['because', hold.note ?? ''],
  ];
}

function askerOf(card: HoldCard | ProposalCard): string {
  return 'agentName' in card ? card.agentName : 'A proposal of people';
}

/** The first that the card names, which is the worst. */
function worst({ effects, effectsTotal }: Card): string {
  const [first] = effects;
  if (first === undefined) return '';
  const rest = effectsTotal > 1 ? `, and ${effectsTotal - 1} more` : '';
  return `${effectWords(first)}${rest}`;
}

function effectWords({ kind, verb, object, reach }: Effect): string {
  const name = object === null ? '' : ` ${object.type} ${nameOf(object)}`;
  const all =
    reach === 'whole' ? ', all of it' : reach === 'cascade' ? ', and what hangs on it' : '';
  return `${kind}: ${verb}${name}${all}`;
}

function nameOf({
  schema,
  name,
}: {
  readonly schema: string | null;
  readonly name: string;
}): string {
  return schema === null ? name : `${schema}.${name}`;
}

/** Words that are the notice's own: a fact of the trail does not stand in for them. */
const OWN_FACTS = new Set(['what', 'times', 'entry']);

export function noticeOfSignal(signal: Signal, dashboard: DashboardUrl): Notice {
  const { kind, facts, index, message, times } = signal;
  const { importance, title } = SIGNALS[kind];
  const rest = Object.entries(facts).filter(
    ([name, value]) => value !== null && !OWN_FACTS.has(name),
  );
  return {
    id: `entry_${index}.${kind}`,
    kind,
    importance,
    title: times > 1 ? `${title}, ${times} times` : title,
    facts: factsOf([
      ['what', message],
      ...(times > 1 ? [['times', `${times}; this is the first`] as const] : []),
      ...rest.map(([name, value]) => [name, String(value)] as const),
    ]),
    link: linkTo(dashboard, 'trail', String(index)),
    at: signal.at,
    environment: null,
  };
}

/** `who`: by what it was tried. */
export function testNotice(
  id: string,
  channel: string,
  at: Date,
  dashboard: DashboardUrl,
  who = 'Somebody tried this channel by holdfast notify test',
): Notice {
  return {
    id,
    kind: 'test',
    importance: 'soon',
    title: 'A test of Holdfast’s notices',
    facts: factsOf([
      ['channel', channel],
      ['what', `${who}. There is nothing to do.`],
    ]),
    link: linkTo(dashboard, 'holds', ''),
    at,
    environment: null,
  };
}

/** Many in one; those that matter most are named first. The id is that of the first. */
export function severalNotices(
  notices: readonly [Notice, ...Notice[]],
  at: Date,
  dashboard: DashboardUrl,
): Notice {
  const sorted = notices.toSorted((a, b) => rank(a) - rank(b) || a.at.getTime() - b.at.getTime());
  const named = sorted.slice(0, NOTICES_NAMED_MAX);
  const [first] = notices;
  const left = sorted.length - named.length;
  const held = notices.filter(({ kind }) => isAsking(kind)).length;
  const waiting = held === 0 ? '' : `, ${held} of them wait for people`;
  return {
    id: `${first.id}.and-${notices.length - 1}-more`,
    kind: 'several',
    importance: named[0]?.importance ?? 'digest',
    title: `${notices.length} notices of Holdfast${waiting}`,
    facts: [
      ...named.map(({ at: then, title, facts, environment }) => {
        const first = facts.find(([name]) => name === (environment === null ? 'what' : 'would'));
        const more = first === undefined ? '' : ` (${first[1]})`;
        return [timeOf(then), inert(`${title}${more}`, NOTICE_FACT_CHARS_MAX)] as const;
      }),
      ...(left > 0 ? [['and', `${left} more; all of them are behind the link`] as const] : []),
    ],
    link: linkTo(dashboard, held > 0 ? 'holds' : 'trail', ''),
    at,
    environment: null,
  };
}

/** It asks people for something, which they can have done by now. */
export function isAsking(kind: NoticeKind): boolean {
  return kind === 'hold-opened' || kind === 'proposal-opened' || kind === 'hold-escalated';
}

/** Those in sealed environments first among equals. */
function rank({ environment, importance }: Notice): number {
  return IMPORTANCES.indexOf(importance) * 2 + (environment?.level === 'sealed' ? 0 : 1);
}

function timeOf(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function factsOf(pairs: readonly (readonly [string, string])[]): Notice['facts'] {
  return pairs
    .filter(([, text]) => text !== '')
    .slice(0, NOTICE_FACTS_MAX)
    .map(([name, text]) => [inert(name, 40), inert(text, NOTICE_FACT_CHARS_MAX)] as const);
}

/** Ids are ours; encoded all the same, so that a link cannot be led elsewhere. */
function linkTo(dashboard: DashboardUrl, page: 'holds' | 'trail', id: string): string {
  const base = dashboard.replace(/\/+$/, '');
  return id === '' ? `${base}/${page}` : `${base}/${page}/${encodeURIComponent(id)}`;
}
