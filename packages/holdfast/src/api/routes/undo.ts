import type { z } from 'zod';
import type { Proposals } from '../../approvals/proposals.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Target } from '../../model/target.ts';
import { purgeAct } from '../../protection/undo/purge.ts';
import type { Selection } from '../../protection/undo/selection.ts';
import type { UndoReport } from '../../protection/undo/undo-report.ts';
import type { Listed, UndoProgress, Undos, UndoWish } from '../../protection/undo/undos.ts';
import type { UndoState } from '../../protection/undo-item.ts';
import type { VaultState } from '../../store/vault-look.ts';
import type { UNDO_ROUTES } from '../contract/undo.ts';
import { pageOf, placeIn } from '../cursor.ts';
import type { Handlers } from '../handler.ts';
import { type People, signedOf } from '../word.ts';
import { proposalView } from './proposals.ts';

export interface UndoRouteParts {
  /** Opens what an undo needs, for one request, and closes it whatever happens. */
  readonly withUndos: <T>(work: (undos: Undos) => Promise<T>) => Promise<T>;
  /** Captured rows are taken to the vault all the time: this is the gateway. */
  readonly isDrained: boolean;
  readonly proposals: Proposals;
  readonly people: People;
  readonly vault: { readonly state: () => Promise<VaultState> };
  readonly freeBytesMin: number;
  readonly targetOf: (name: string) => Target;
}

type ItemView = z.input<(typeof UNDO_ROUTES)['undo.list']['answer']>['items'][number];
type ReportView = z.input<(typeof UNDO_ROUTES)['undo.preview']['answer']>;

const STATES: Readonly<Record<'open' | 'all', readonly UndoState[]>> = {
  open: ['kept', 'purging'],
  all: ['kept', 'undone', 'purging', 'purged'],
};

export function undoRoutes(parts: UndoRouteParts): Handlers<typeof UNDO_ROUTES> {
  const { freeBytesMin, isDrained, people, proposals, targetOf, vault, withUndos } = parts;
  /** Undos that this process applies now, by what whoever asked calls them. */
  const underWay = new Map<string, UndoProgress>();
  return {
    'undo.list': async ({ query }) => {
      const { cursor, limit, state, ...filters } = query;
      const after = placeIn(cursor);
      const selection = {
        ...selectionOf({ ids: [], ...filters }),
        ...(after === null ? {} : { after: after.id }),
      };
      const { away, items } = await withUndos((undos) =>
        undos.list(selection, STATES[state], limit + 1, isDrained),
      );
      const page = pageOf(items, limit, itemView, ({ item }) => item);
      return { ...page, away: [...away] };
    },
    'undo.vault': async () => {
      const { bytes, freeBytes, kept } = await vault.state();
      return {
        bytes,
        freeBytes,
        freeBytesMin,
        kept: kept.map((one) => ({ ...one, oldestAt: one.oldestAt.toISOString() })),
      };
    },
    'undo.show': async ({ params }) => {
      const shown = await withUndos((undos) => undos.show(params.id));
      const acts = shown.entries.flatMap(({ act }) =>
        act === null
          ? []
          : [{ statement: act.statement, undo: act.undo.map(({ about }) => about) }],
      );
      return { ...itemView(shown), acts };
    },
    'undo.preview': async ({ body }) =>
      reportView(await withUndos((undos) => undos.preview(wishOf(body)))),
    'undo.apply': async ({ body, principal }) => {
      const signed = await signedOf(principal, body, 'undo.apply', people);
      const { watch } = body;
      const tell = (progress: UndoProgress): void => {
        if (watch !== undefined) underWay.set(watch, progress);
      };
      try {
        const report = await withUndos((undos) => undos.apply(wishOf(body), signed, tell));
        return { applied: true, report: reportView(report) };
      } catch (error) {
        const report = undecidedOf(error);
        if (report === null) throw error;
        return { applied: false, report: reportView(report) };
      } finally {
        if (watch !== undefined) underWay.delete(watch);
      }
    },
    'undo.progress': async ({ params }) => ({ progress: underWay.get(params.watch) ?? null }),
    'undo.extend': async ({ body, principal }) => {
      const signed = await signedOf(principal, body, 'undo.apply', people);
      return { extended: await withUndos((undos) => undos.extend(body.ids, body.byMs, signed)) };
    },
    'undo.purge': async ({ body }) => {
      const selection = chosen(selectionOf(body));
      const items = await withUndos((undos) => undos.ofOneTarget(selection));
      const target = targetOf(items[0]?.target ?? '');
      return proposalView(await proposals.open(purgeAct(items, target)));
    },
    'undo.cancel-purge': async ({ body, principal }) => {
      const signed = await signedOf(principal, body, 'undo.apply', people);
      return { cancelled: await withUndos((undos) => undos.cancelPurge(body.ids, signed)) };
    },
  };
}

interface SelectionWords {
  readonly ids: readonly string[];
  readonly target?: string | undefined;
  readonly agent?: string | undefined;
  readonly role?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

function selectionOf({ agent, ids, role, since, target, until }: SelectionWords): Selection {
  return {
    ids,
    ...(target === undefined ? {} : { target }),
    ...(agent === undefined ? {} : { agentName: agent }),
    ...(role === undefined ? {} : { role }),
    ...(since === undefined ? {} : { since: new Date(since) }),
    ...(until === undefined ? {} : { until: new Date(until) }),
  };
}

/** "Everything there is" must be said, not left out. */
function chosen(selection: Selection): Selection {
  const { agentName, ids, role, since } = selection;
  if (ids.length > 0 || agentName !== undefined || role !== undefined || since !== undefined) {
    return selection;
  }
  throw new HoldfastError('HF_USAGE', {
    expected: 'ids of items, or agent, role or since',
    found: 'none of them',
    hint: 'Name what is to be taken back; GET /v1/undo lists it.',
  });
}

type WishWords = SelectionWords & Pick<UndoWish, 'tables' | 'key' | 'decisions'>;

function wishOf({ decisions, key, tables, ...words }: WishWords): UndoWish {
  if (key.length > 0 && tables === null) {
    throw new HoldfastError('HF_USAGE', {
      expected: 'tables beside key: a row is one of a table',
      found: 'key alone',
      hint: 'Name the table.',
    });
  }
  return { selection: chosen(selectionOf(words)), tables, key, decisions };
}

function itemView({ item, leftMs }: Listed): ItemView {
  return {
    id: item.id,
    target: item.target,
    state: item.state,
    at: item.at.toISOString(),
    role: item.role,
    agent: item.agentName,
    application: item.application,
    parts: item.parts.map(({ name, op, rows }) => ({ name, op, rows })),
    rows: item.parts.reduce((sum, { rows }) => sum + rows, 0),
    undoOf: item.undoOf,
    provider:
      item.inverse === undefined
        ? null
        : { name: item.inverse.provider, happened: item.inverse.happened },
    leftMs,
  };
}

function reportView(report: UndoReport): ReportView {
  return {
    ...report,
    items: [...report.items],
    tables: [...report.tables],
    acts: report.acts.map((act) => ({ ...act, steps: [...act.steps] })),
    conflicts: report.conflicts.map((one) => ({ ...one, choices: [...one.choices] })),
    notes: [...report.notes],
    sql: [...report.sql],
  };
}

/** What is not decided is an answer, not a fault: whoever asked has to decide it. */
function undecidedOf(error: unknown): UndoReport | null {
  if (!(error instanceof HoldfastError) || error.code !== 'HF_UNDO_CONFLICT') return null;
  return isReport(error.cause) ? error.cause : null;
}

function isReport(value: unknown): value is UndoReport {
  return typeof value === 'object' && value !== null && 'conflicts' in value && 'tables' in value;
}
