/** What colours, verdicts and spans of recovery are called: a colour is never the only sign. */
import type { Answer } from '../../api/client.ts';
import { byteWords } from '../../lib/measures.ts';
import { spanWords } from '../../lib/times.ts';
import type { BadgeTone } from '../../ui/badge.tsx';

export type Seen = Answer<'recovery.list'>['items'][number]['seen'];
export type Report = NonNullable<Answer<'recovery.show'>['report']>;
export type VaultReport = Report['vaults'][number];
export type Colour = Report['colour'];

export const TONES: Readonly<Record<Colour, BadgeTone>> = {
  green: 'ok',
  amber: 'warn',
  red: 'danger',
};

/** The whole sentence that stands beside the badge. */
export const COLOUR_WORDS: Readonly<Record<Colour, string>> = {
  green: 'It came back in a drill, and lies where no credential here can destroy it.',
  amber: 'It would come back from some losses, and not from all.',
  red: 'Do not count on it coming back.',
};

export const SEEN_WORDS: Readonly<Record<Exclude<Seen, 'fresh'>, string>> = {
  'not-configured': 'No recovery: nothing of it is kept anywhere that Holdfast knows of.',
  'never-looked': 'Nobody has looked at it on this machine, so nothing is known.',
  old: 'Nobody has looked for a minute or more: this is how it stood, not how it stands.',
};

/** Of this installation and vault, or from before seals; nothing else is a point of ours. */
export function isCounted(seal: VaultReport['points'][number]['seal']): boolean {
  return seal !== 'foreign' && seal !== 'elsewhere';
}

export const DRILLED: Readonly<
  Record<'passed' | 'failed' | 'could-not-run', { readonly word: string; readonly tone: BadgeTone }>
> = {
  passed: { word: 'came back', tone: 'ok' },
  failed: { word: 'did not come back', tone: 'danger' },
  'could-not-run': { word: 'could not be tried', tone: 'warn' },
};

export const PROVED: Readonly<
  Record<string, { readonly words: string; readonly tone: BadgeTone }>
> = {
  PROVEN: { words: 'refused to be destroyed', tone: 'ok' },
  REFUTED: { words: 'can be destroyed', tone: 'danger' },
  UNKNOWN: { words: 'could not be told', tone: 'warn' },
  'NO KEY HERE': { words: 'opens nothing there', tone: 'plain' },
};

export const OUTCOMES: Readonly<Record<string, BadgeTone>> = {
  refused: 'ok',
  harmless: 'plain',
  'no-key': 'plain',
  unclear: 'warn',
  succeeded: 'danger',
};

export const KINDS = {
  backup: 'Recovery point',
  drill: 'Drill',
  prove: 'Proof of the blast radius',
} as const;

/** What a view of a vault as it was leaves out; goes on after a colon or a comma. */
export const PASSED_OVER =
  'whatever was stored, written over or hidden there after that is passed over.';

export function shortSpan(ms: number): string {
  return ms < 1_000 ? 'under 1 s' : spanWords(ms);
}

/** `would lose 2 s; 5 min were promised`. */
export function againstPromise(ms: number | null, promised: number): string {
  return `${ms === null ? 'not known' : shortSpan(ms)}; ${spanWords(promised)} promised`;
}

interface Progress {
  readonly phase: string;
  readonly doneBytes: number;
  readonly totalBytes: number | null;
  readonly bytesPerSecond: number;
  readonly leftMs: number | null;
}

const PHASES: Readonly<Record<string, string>> = {
  start: 'starting',
  backup: 'copying the data',
  wal: 'waiting for the WAL',
  fetch: 'fetching',
  restore: 'writing it out',
  replay: 'replaying the WAL',
  verify: 'checking',
};

export function progressWords({
  bytesPerSecond,
  doneBytes,
  leftMs,
  phase,
  totalBytes,
}: Progress): string {
  const of = totalBytes === null ? '' : ` of ${byteWords(totalBytes)}`;
  const rate = bytesPerSecond > 0 ? `, ${byteWords(bytesPerSecond)} a second` : '';
  const left = leftMs === null ? '' : `, about ${shortSpan(leftMs)} left`;
  return `${PHASES[phase] ?? phase}: ${byteWords(doneBytes)}${of}${rate}${left}`;
}
