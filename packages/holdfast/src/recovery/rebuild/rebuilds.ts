/**
 * Rebuilds between their steps: kept when they are proposed, looked at, chosen in by people, and told what
 * became of their batches. A proposal as it stands is the one that was kept with every choice applied again,
 * in order, so that nothing but what people chose can be in it.
 *
 * In this order: keep -> decide* -> begin, done (copy) -> begin, done (live) -> taking back. What it will not
 * do: take a choice while the batch it would change stands, or let a choice be made unseen over another's.
 */
import { canonicalJson } from '../../model/canonical.ts';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Note } from '../../model/event.ts';
import { newId } from '../../model/ids.ts';
import type { AddedBy, Adder, JournalRecord, RecordJournal } from '../../model/record-journal.ts';
import type { Signed } from '../../model/signed.ts';
import { atOnce, inSteps, type Steps } from '../../model/steps.ts';
import { oneLine } from '../../model/text.ts';
import type { ApplyReport } from './apply.ts';
import {
  type BatchPlace,
  batchesOf,
  type CutOff,
  cutOffIn,
  isForgotten,
  placeText,
  type RebuildBatch,
  standingIn,
} from './batches.ts';
import { OpenProposals } from './open-proposals.ts';
import type { RebuildPlan } from './plan.ts';
import { type Choice, countsOf, digestOfProposal, type Proposal } from './proposal.ts';
import {
  REBUILD_ENTRY,
  REBUILD_FACTS,
  type RebuildEntry,
  type RebuildFacts,
} from './rebuild-journal.ts';
import { isShared, mustBeOpen, mustBeSeen, nothingStands, stands } from './rebuild-refusals.ts';
import { type Reviewed, reviewSteps } from './review.ts';
import type { RollbackReport } from './rollback.ts';

export interface Rebuild {
  readonly id: string;
  readonly target: string;
  readonly at: Date;
  readonly by: string;
  readonly facts: RebuildFacts;
}

export interface Standing {
  readonly rebuild: Rebuild;
  /** As it was proposed. */
  readonly first: Proposal;
  /** With all choices. */
  readonly proposal: Proposal;
  /** Of it: `digestOfProposal`. */
  readonly digest: string;
  /** Of it: `planOf`. */
  readonly plan: RebuildPlan;
  readonly batches: readonly RebuildBatch[];
  /** Where putting in was begun, and nobody saw the end of it. */
  readonly cutOff: readonly CutOff[];
}

export interface Decision {
  readonly row: string;
  readonly choice: Choice;
}

/** Of the restored copy that a rebuild works in. */
export interface CopyFacts {
  /** Its folder. */
  readonly copy: string;
  /** The moment it stands at. */
  readonly at: Date;
  /** The vault that it came from was read as it was then, ISO 8601; null: as it was. */
  readonly asOf: string | null;
}

export interface RebuildsParts {
  readonly journal: RecordJournal;
  readonly clock: Clock;
  readonly note: Note;
}

export class Rebuilds {
  readonly #parts: RebuildsParts;
  readonly #open: OpenProposals;

  constructor(parts: RebuildsParts) {
    this.#parts = parts;
    this.#open = new OpenProposals(parts.journal);
  }

  /** Resolves to the rebuild's id. */
  async keep(
    proposal: Proposal,
    { asOf, at, by, copy }: CopyFacts & { readonly by: string },
  ): Promise<string> {
    const { clock, journal, note } = this.#parts;
    if (proposal.reviews.length > 0) throw new Error('a proposal with choices in it already');
    const id = newId('rebuild', clock);
    const counts = countsOf(proposal);
    const facts: RebuildFacts = {
      schema: proposal.schema,
      table: proposal.table,
      mappingSha256: proposal.mappingSha256,
      copy,
      at: at.toISOString(),
      asOf,
      sources: proposal.sources.map(({ ignored: _, ...source }) => source),
      counts,
    };
    const body = canonicalJson(proposal);
    await journal.add({ id, target: proposal.target, at: clock.now(), by, facts }, body);
    await note({
      kind: 'rebuild-proposed',
      facts: {
        rebuild: id,
        target: proposal.target,
        table: `${proposal.schema}.${proposal.table}`,
        digest: digestOfProposal(proposal),
        mapping: proposal.mappingSha256,
        sources: proposal.sources.length,
        by,
        ...counts,
      },
      message: `${id} proposes ${counts.READY} rows of ${oneLine(proposal.table)} of ${proposal.target}; ${counts.CONFLICT} are in conflict.`,
    });
    return id;
  }

  async list(page: Parameters<RecordJournal['list']>[0]): Promise<readonly Rebuild[]> {
    return (await this.#parts.journal.list(page)).map(rebuildOf);
  }

  /** HF_NOT_FOUND; HF_REBUILD_STATE for what somebody changed in our database. */
  async show(id: string): Promise<Standing> {
    const record = await this.#record(id);
    return await this.#standing(record, await entriesOf(await this.#parts.journal.entries(id)));
  }

  /** As it was proposed, without reading the proposal. HF_NOT_FOUND. */
  async find(id: string): Promise<Rebuild> {
    return await this.#record(id);
  }

  /**
   * From now on nothing of it is in a copy: that is about to be removed, or stays for others (`sharedWith`), and
   * then nothing of it may stand there. Resolves to whether it is new.
   */
  async forget(id: string, by: string, sharedWith: readonly string[]): Promise<boolean> {
    const now = this.#parts.clock.now();
    let isNew = false;
    await this.#append(id, { kind: 'machine' }, now, (entries) => {
      isNew = !isForgotten(entries);
      const isIn =
        cutOffIn(entries).some(({ place }) => place === 'copy') ||
        standingIn(batchesOf(entries), 'copy') !== undefined;
      if (isIn && sharedWith.length > 0) return isShared(id, sharedWith);
      return isNew ? [{ kind: 'forgotten', by, name: by, at: now.toISOString() }] : [];
    });
    if (isNew && sharedWith.length > 0) {
      const named = sharedWith.slice(0, SHARING_NOTED_MAX).join(', ');
      await this.#parts.note({
        kind: 'rebuild-copy-forgotten',
        facts: { rebuild: id, by, sharedWith: named },
        message: `${id} needs its restored copy no more, which stays for others.`,
      });
    }
    return isNew;
  }

  /** After it. `bytes`: null when it was gone before. */
  async forgotten(id: string, by: string, bytes: number | null): Promise<void> {
    const what = bytes === null ? 'is gone: it was removed by hand' : `was removed: ${bytes} bytes`;
    await this.#parts.note({
      kind: 'rebuild-copy-forgotten',
      facts: { rebuild: id, by, bytes: bytes ?? 0 },
      message: `The restored copy of ${id} ${what}.`,
    });
  }

  /** And nothing was put into a copy since. */
  async isForgotten(id: string): Promise<boolean> {
    return isForgotten(await entriesOf(await this.#parts.journal.entries(id)));
  }

  /** Other rebuilds that still have a copy in that place. */
  async sharing(id: string, isThere: (copy: string) => boolean): Promise<readonly string[]> {
    const sharing: string[] = [];
    let after: Parameters<RecordJournal['list']>[0]['after'] = null;
    for (;;) {
      const page = await this.list({ limit: LISTED_AT_ONCE, after });
      for (const one of page) {
        if (one.id === id || !isThere(one.facts.copy)) continue;
        if (!(await this.isForgotten(one.id))) sharing.push(one.id);
      }
      after = page.at(-1) ?? null;
      if (after === null || page.length < LISTED_AT_ONCE) return sharing;
    }
  }

  /**
   * All of them or none, by one person. `seen`: how many choices they saw, so that nobody chooses unseen over
   * what another said of the same row since; null: they looked at it just now.
   */
  async decide(
    id: string,
    decisions: readonly Decision[],
    seen: number | null,
    signed: Signed,
  ): Promise<Standing> {
    const { clock, note } = this.#parts;
    const record = await this.#record(id);
    // Tens of megabytes may have to be read first, which is no work for a transaction.
    const before = await this.show(id);
    const now = clock.now();
    let who: AddedBy | null = null;
    const entries = await this.#append(id, { kind: 'person', signed }, now, (standing, by) => {
      if (by === null) return [];
      who = by;
      mustBeOpen(id, standing);
      mustBeSeen(standing, new Set(decisions.map(({ row }) => row)), seen, by.id);
      const made = decisions.map((one) => choiceEntry(one, by, now));
      tryOn(before, standing, made);
      return made;
    });
    const standing = await this.#standing(record, entries);
    await note({
      kind: 'rebuild-decided',
      facts: {
        rebuild: id,
        target: record.target,
        choices: decisions.length,
        choicesInAll: standing.proposal.reviews.length,
        digest: standing.digest,
        ...personFacts(who),
      },
      message: `${nameOf(who)} chose ${decisions.length} time(s) in ${id}.`,
    });
    return standing;
  }

  /** What is about to be put in is said first. HF_REBUILD_STATE when a batch of it stands there. */
  async begin(id: string, place: BatchPlace, digest: string, by: string): Promise<void> {
    const at = this.#parts.clock.now().toISOString();
    const who = { by, name: by, at };
    await this.#append(id, { kind: 'machine' }, new Date(at), (entries) => {
      const there = standingIn(batchesOf(entries), place);
      return there === undefined ? [{ kind: 'begun', place, digest, ...who }] : stands(id, there);
    });
  }

  /** Once, however many find it there. */
  async done(id: string, place: BatchPlace, report: ApplyReport, by: string): Promise<void> {
    const { batch, books, digest, inserted, isRecognised, skipped } = report;
    if (batch === null) throw new Error('a dry run puts nothing in');
    const now = this.#parts.clock.now();
    const found = isRecognised ? ({ isRecognised } as const) : {};
    const put = { place, digest, batch, books, inserted, skipped, by, name: by, ...found };
    if (!(await this.#addOnce(id, now, { kind: 'put', ...put, at: now.toISOString() }))) return;
    await this.#parts.note({
      kind: 'rebuild-applied',
      facts: { rebuild: id, place, batch, digest, inserted, skipped, by, ...found },
      message: `${inserted} rows of ${id} were put into the ${placeText(place)} as ${batch}${isRecognised ? ', as was found later: whoever did it was cut off' : ''}.`,
    });
  }

  async failed(id: string, place: BatchPlace, why: string): Promise<void> {
    const at = this.#parts.clock.now();
    await this.#append(id, { kind: 'machine' }, at, () => [
      { kind: 'failed', place, why: why.slice(0, 2_000), at: at.toISOString() },
    ]);
  }

  /** Whose word it is to take a batch of the live target back, before anything is looked at there. */
  async prove(id: string, signed: Signed): Promise<AddedBy> {
    let who: AddedBy | null = null;
    await this.#append(id, { kind: 'person', signed }, this.#parts.clock.now(), (_, by) => {
      who = by;
      return [];
    });
    if (who === null) throw new Error('a person who was not found');
    return who;
  }

  /** Of the live target by whom `prove` found; a copy is the machine's own (null). Resolves to the batch that is meant. */
  async beginTakingBack(id: string, place: BatchPlace, by: AddedBy | null): Promise<RebuildBatch> {
    const now = this.#parts.clock.now();
    let meant: RebuildBatch | null = null;
    await this.#append(id, { kind: 'machine' }, now, (entries) => {
      const there = standingIn(batchesOf(entries), place);
      if (there === undefined) return nothingStands(id, place);
      meant = there;
      return [{ kind: 'taking-back', place, batch: there.batch, ...words(by, now) }];
    });
    if (meant === null) throw nothingStands(id, place);
    return meant;
  }

  async takenBack(
    id: string,
    place: BatchPlace,
    { batch, deleted, gone, isRecognised, kept }: RollbackReport,
    by: string,
  ): Promise<void> {
    const now = this.#parts.clock.now();
    const found = isRecognised ? ({ isRecognised } as const) : {};
    const counts = { deleted, gone, kept: kept.length, ...found };
    const back = { place, batch, ...counts, by, name: by, at: now.toISOString() };
    if (!(await this.#addOnce(id, now, { kind: 'taken-back', ...back }))) return;
    await this.#parts.note({
      kind: 'rebuild-taken-back',
      facts: { rebuild: id, place, batch, ...counts, by },
      message: `${batch} of ${id} was taken back: ${deleted} rows deleted.`,
    });
  }

  async #record(id: string): Promise<Rebuild & { readonly kept: JournalRecord }> {
    const kept = await this.#parts.journal.get(id);
    if (kept !== null) return { ...rebuildOf(kept), kept };
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: 'the id of a rebuild (rebuild_…)',
      found: oneLine(id).slice(0, 100),
      hint: 'See holdfast recovery rebuild list.',
    });
  }

  async #standing(
    { kept, ...rebuild }: Rebuild & { readonly kept: JournalRecord },
    entries: readonly RebuildEntry[],
  ): Promise<Standing> {
    const choices = entries.filter((one) => one.kind === 'choice').map(reviewedBy);
    const open = await this.#open.of(kept, choices);
    return { rebuild, ...open, batches: batchesOf(entries), cutOff: cutOffIn(entries) };
  }

  /** Resolves to whether nobody had said that of its batch. */
  async #addOnce(
    id: string,
    now: Date,
    entry: RebuildEntry & { readonly kind: 'put' | 'taken-back' },
  ): Promise<boolean> {
    let isNew = false;
    await this.#append(id, { kind: 'machine' }, now, (entries) => {
      isNew = !entries.some((one) => one.kind === entry.kind && one.batch === entry.batch);
      return isNew ? [entry] : [];
    });
    return isNew;
  }

  async #append(
    id: string,
    adder: Adder,
    now: Date,
    make: (
      entries: readonly RebuildEntry[],
      by: AddedBy | null,
    ) => readonly RebuildEntry[] | HoldfastError,
  ): Promise<readonly RebuildEntry[]> {
    const added = await this.#parts.journal.append(id, adder, now, async (entries, by) => {
      try {
        return make(await entriesOf(entries), by);
      } catch (error) {
        // Given and not thrown: what a code was worth must be committed.
        if (error instanceof HoldfastError) return error;
        throw error;
      }
    });
    return await entriesOf(added);
  }
}

type ChoiceEntry = RebuildEntry & { readonly kind: 'choice' };

/** Those that are tried, after the choices that came since it was looked at: throws what `review` throws. */
function tryOn(
  { first, proposal }: Standing,
  entries: readonly RebuildEntry[],
  made: readonly ChoiceEntry[],
): void {
  const choices = entries.filter((one) => one.kind === 'choice');
  const start = proposal.reviews.length <= choices.length ? proposal : first;
  const since = choices.slice(start.reviews.length);
  atOnce(reviewSteps(start, [...since, ...made].map(reviewedBy)));
}

function reviewedBy({ at, by, choice, name, row }: ChoiceEntry): Reviewed {
  return { row, choice, person: { id: by, name }, at: new Date(at) };
}

function choiceEntry({ choice, row }: Decision, by: AddedBy, now: Date): ChoiceEntry {
  return { kind: 'choice', row, choice, ...words(by, now) };
}

const MACHINE = 'the command line';
/** Of the journal, looked at between two steps. */
const STEP_ENTRIES = 200;
const LISTED_AT_ONCE = 200;
const SHARING_NOTED_MAX = 20;

function words(by: AddedBy | null, now: Date): { by: string; name: string; at: string } {
  return { by: by?.id ?? MACHINE, name: by?.name ?? MACHINE, at: now.toISOString() };
}

function personFacts(by: AddedBy | null): Readonly<Record<string, string>> {
  return by === null ? {} : { person: by.name, ...by.facts };
}

function nameOf(by: AddedBy | null): string {
  return by?.name ?? MACHINE;
}

function rebuildOf({ at, by, facts, id, target }: JournalRecord): Rebuild {
  return { id, target, at, by, facts: REBUILD_FACTS.parse(facts) };
}

function entriesOf(entries: readonly unknown[]): Promise<readonly RebuildEntry[]> {
  return inSteps(entrySteps(entries));
}

function* entrySteps(entries: readonly unknown[]): Steps<readonly RebuildEntry[]> {
  const parsed: RebuildEntry[] = [];
  for (const [at, one] of entries.entries()) {
    parsed.push(REBUILD_ENTRY.parse(one));
    if (at % STEP_ENTRIES === STEP_ENTRIES - 1) yield;
  }
  return parsed;
}
