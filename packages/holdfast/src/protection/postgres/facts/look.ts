/** One look at the catalogs for one act, in one transaction. The order stands in `finder.ts`. */
import { messageOf } from '../../../model/errors.ts';
import { type Measured, sumOf, type TouchedObject } from '../../../model/touched.ts';
import type { TargetSession } from '../../target-database.ts';
import type { Asked, Wanted } from './asked.ts';
import { alsoTruncated, LISTED_MAX } from './dependents.ts';
import type { Estimated } from './estimate.ts';
import type { Gathering } from './gathering.ts';
import { hangingOn } from './hanging.ts';
import {
  databasesOf,
  type Meant,
  meantBy,
  RELATIONS_MAX,
  type Relation,
  relationsOf,
} from './relations.ts';
import { isEmptied, type Root, recoveryIn, rootsOf } from './roots.ts';
import { bytesBy, countOf, isStored, mayBeCounted, rowsBy, type Size, sizesOf } from './sizes.ts';

/** Tables without statistics that are counted for one card. */
const COUNTED_MAX = 20;
const ROUGH =
  'its condition computes on columns, and they could not be counted in time; the estimate may be far off';
/** Names shown where one may mean several things. */
const MEANINGS_SHOWN = 5;

export interface LookParts {
  readonly session: TargetSession;
  readonly asked: Asked;
  readonly wanted: readonly Wanted[];
  /** `wanted` is all that the act names. */
  readonly isAll: boolean;
  readonly into: Gathering;
  /** How many rows the condition picks; given all relations that the text names. Never rejects. */
  readonly estimate: (relations: readonly Relation[]) => Promise<Estimated>;
}

export class Look {
  readonly #parts: LookParts;
  #sizes: ReadonlyMap<number, Size> = new Map();
  readonly #counts = new Map<number, Measured>();

  constructor(parts: LookParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { asked, estimate, into, session, wanted } = this.#parts;
    const meant = await meantBy(session, wanted, asked.path);
    this.#sayUnclear(meant);
    const also = await this.#alsoTruncated(meant);
    const relations = await this.#relations(meant, also);
    const roots = rootsOf(wanted, meant, relations, also);
    const databases = await this.#databases();
    const tell = (): void => {
      into.objects = [
        ...roots.map((root) => this.#objectOf(root)),
        ...this.#others(meant),
        ...databases,
      ];
    };
    tell();
    into.recoveryLost = recoveryIn(roots);
    into.answered('what it touches');
    // Of a table that goes anyway it does not matter which rows went before.
    const isPicked = roots.some((root) => root.wanted.fate === 'some-rows');
    const estimated = isPicked && this.#isClear(meant) ? estimate(relations) : null;
    await this.#measure(roots.flatMap((root) => root.relations));
    tell();
    into.answered('size');
    await this.#hanging(meant, roots);
    this.#tellRows(roots, isPicked, await estimated);
  }

  /** Each name of the text means one thing, or there is no saying what would be planned. */
  #isClear(meant: readonly Meant[]): boolean {
    const { isAll, wanted } = this.#parts;
    return isAll && wanted.every((_one, at) => meant.filter((each) => each.at === at).length === 1);
  }

  #sayUnclear(meant: readonly Meant[]): void {
    const { into, wanted } = this.#parts;
    for (const [at, { fate, kind, name, schema }] of wanted.entries()) {
      if (fate === 'read' || kind === 'database') continue;
      const found = meant.filter((one) => one.at === at);
      const said = schema === null ? name : `${schema}.${name}`;
      if (found.length === 0) {
        into.note(`${said}: there is no such ${kind} (a temporary one is not seen from here)`);
      } else if (found.length > 1 && kind !== 'function') {
        const each = found.slice(0, MEANINGS_SHOWN).map(({ identity }) => identity);
        const may = each.join(' or ') + (found.length > each.length ? ' or another' : '');
        into.note(
          `which one ${said} means: the search path of the session is not certain, and it may be ` +
            `${may}; each of them is counted`,
        );
      }
    }
  }

  async #alsoTruncated(meant: readonly Meant[]): Promise<readonly number[]> {
    const { session, wanted } = this.#parts;
    const named = meant.filter(({ at }) => {
      const one = wanted[at];
      return one?.verb === 'TRUNCATE' && one.isCascade;
    });
    if (named.length === 0) return [];
    return await alsoTruncated(
      session,
      named.map(({ oid }) => oid),
    );
  }

  async #relations(meant: readonly Meant[], also: readonly number[]): Promise<readonly Relation[]> {
    const { into, session } = this.#parts;
    const oidsOf = (catalog: Meant['catalog']): number[] =>
      meant.filter((one) => one.catalog === catalog).map(({ oid }) => oid);
    const named = [...oidsOf('pg_class'), ...also];
    const found = await relationsOf(session, named, oidsOf('pg_namespace'));
    if (found.length <= RELATIONS_MAX) return found;
    into.note(
      `all of it: there are more than ${RELATIONS_MAX} relations, and the rest is not counted`,
    );
    return found.slice(0, RELATIONS_MAX);
  }

  async #databases(): Promise<readonly TouchedObject[]> {
    const { into, session, wanted } = this.#parts;
    const names = wanted.filter(({ fate, kind }) => kind === 'database' && fate === 'goes');
    if (names.length === 0) return [];
    into.note('rows and dependents in another database: it cannot be looked into from this one');
    const found = await databasesOf(
      session,
      names.map(({ name }) => name),
    );
    return found.map(({ bytes, identity }) => ({
      name: identity,
      type: 'database',
      rows: null,
      bytes: bytes === null ? null : { value: bytes, how: 'exact' },
    }));
  }

  async #measure(relations: readonly Relation[]): Promise<void> {
    const { into, session } = this.#parts;
    const [shut, ...more] = relations.filter((one) => one.isLocked && isStored(one));
    if (shut !== undefined) {
      const others = more.length > 0 ? ` and ${more.length} more` : '';
      into.note(`exact size of ${shut.identity}${others}: another session holds it, or waits to`);
    }
    try {
      this.#sizes = await sizesOf(session, relations);
    } catch (error) {
      into.note(`exact size: ${messageOf(error)}`);
      return;
    }
    const uncounted = relations.filter((one) => mayBeCounted(one, this.#sizeOf(one)));
    for (const one of uncounted.slice(0, COUNTED_MAX)) {
      try {
        const count = await countOf(session, one);
        if (count !== null) this.#counts.set(one.oid, count);
      } catch (error) {
        into.note(`rows of ${one.identity}: ${messageOf(error)}`);
        return;
      }
    }
  }

  #sizeOf({ oid }: Relation): Size | null {
    return this.#sizes.get(oid) ?? null;
  }

  /** Null when those of one of them are not known. */
  #rowsOf(relations: readonly Relation[]): Measured | null {
    const rows = relations
      .filter(({ kind }) => kind !== 'p')
      .map((one) => this.#counts.get(one.oid) ?? rowsBy(one, this.#sizeOf(one)));
    const known = rows.filter((one) => one !== null);
    // A partitioned table without partitions holds nothing.
    const isEmpty = rows.length === 0 && relations.length > 0;
    return isEmpty || (known.length > 0 && known.length === rows.length) ? sumOf(known) : null;
  }

  #bytesOf(relations: readonly Relation[]): Measured | null {
    const bytes = relations.map((one) => bytesBy(one, this.#sizeOf(one)));
    const known = bytes.filter((one) => one !== null);
    return known.length === 0 ? null : sumOf(known);
  }

  #objectOf({ relations, top }: Root): TouchedObject {
    const parts = relations.length - 1;
    const more = parts > 0 ? `, with ${parts} partition(s) or children` : '';
    return {
      name: top.identity,
      type: `${TYPES[top.kind] ?? 'relation'}${more}`,
      rows: this.#rowsOf(relations),
      bytes: this.#bytesOf(relations),
    };
  }

  #others(meant: readonly Meant[]): readonly TouchedObject[] {
    const isOther = ({ at, catalog }: Meant): boolean =>
      (catalog === 'pg_proc' || catalog === 'pg_type') && this.#parts.wanted[at]?.fate !== 'read';
    return meant.filter(isOther).map(({ catalog, identity }) => ({
      name: identity,
      type: catalog === 'pg_proc' ? 'function' : 'type',
      rows: null,
      bytes: null,
    }));
  }

  /** What goes whole, by its tables; what a condition picks, by the planner. */
  #tellRows(roots: readonly Root[], isPicked: boolean, estimated: Estimated | null): void {
    const { into } = this.#parts;
    const parts: Measured[] = [];
    // A partition may be named beside its table.
    const taken = new Set<number>();
    for (const { relations, top } of roots.filter(isEmptied)) {
      const own = relations.filter(({ oid }) => !taken.has(oid));
      if (own.length === 0) continue;
      for (const { oid } of own) taken.add(oid);
      const rows = this.#rowsOf(own);
      if (rows === null) {
        const why = 'it has no statistics, and is too large, or shut, to be counted in time';
        into.cannot('rows', `of ${top.identity}: ${why}`);
        return;
      }
      parts.push(rows);
    }
    const view = roots.find(({ top, wanted }) => top.kind === 'v' && wanted.fate === 'all-rows');
    if (view !== undefined) {
      into.cannot(
        'rows',
        `${view.top.identity} is a view, and what lies behind it is not looked up`,
      );
      return;
    }
    if (isPicked && estimated?.kind !== 'estimated') {
      const why = estimated?.why ?? 'it is not certain what its names mean';
      into.cannot('rows', `how many the condition picks: ${why}${this.#atMost(roots)}`);
      return;
    }
    if (estimated?.kind === 'estimated') {
      parts.push(estimated.rows);
      if (estimated.isRough) into.note(`exact rows: ${ROUGH}`);
    }
    if (parts.length > 0) into.rows = sumOf(parts);
    into.answered('rows');
  }

  #atMost(roots: readonly Root[]): string {
    const picked = roots.filter(({ wanted }) => wanted.fate === 'some-rows');
    const all = this.#rowsOf(picked.flatMap(({ relations }) => relations));
    if (all === null) return '';
    const about = all.how === 'estimate' ? 'about ' : '';
    return `; all rows there are ${about}${all.value.toLocaleString('en-US')}`;
  }

  async #hanging(meant: readonly Meant[], roots: readonly Root[]): Promise<void> {
    const { into, session, wanted } = this.#parts;
    try {
      const found = await hangingOn(session, wanted, meant, roots);
      into.setDependents(found);
      if (found.length > LISTED_MAX) {
        into.note(`all dependents: there are more than ${LISTED_MAX}, and the rest was not listed`);
      }
      into.answered('dependents');
    } catch (error) {
      into.cannot('dependents', messageOf(error));
    }
  }
}

const TYPES: Readonly<Record<string, string>> = {
  r: 'table',
  p: 'partitioned table',
  f: 'foreign table',
  m: 'materialized view',
  v: 'view',
  i: 'index',
  I: 'partitioned index',
  S: 'sequence',
  c: 'composite type',
};
