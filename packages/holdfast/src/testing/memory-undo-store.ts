/** The vault store's contract in memory, for tests of what stands on it. */
import { systemClock } from '../model/clock.ts';
import { newId } from '../model/ids.ts';
import type { UndoEntry, UndoItem, UndoState } from '../protection/undo-item.ts';
import type {
  DrainedItem,
  DuePurge,
  RowChunk,
  UndoQuery,
  UndoRun,
  UndoStore,
} from '../protection/undo-store.ts';

interface Kept {
  item: UndoItem;
  readonly entries: readonly UndoEntry[];
  readonly chunks: RowChunk[];
}

export class MemoryUndoStore implements UndoStore {
  readonly #kept: Kept[] = [];
  readonly #runs = new Map<string, { run: UndoRun; isWhole: boolean; isSettled: boolean }>();
  /** Roles that are agents': role -> [id, name]. */
  readonly agents = new Map<string, readonly [string, string]>();

  async keep(batch: Parameters<UndoStore['keep']>[0]) {
    let kept = 0;
    const fresh = new Map<string, Kept>();
    for (const drained of batch.items) {
      const isKnown = this.#kept.some(
        ({ item }) => item.install === batch.install && item.txid === drained.txid,
      );
      if (isKnown) continue;
      const one = this.#made(batch, drained);
      fresh.set(drained.txid, one);
      this.#kept.push(one);
      kept += 1;
    }
    for await (const chunk of batch.chunks) {
      fresh.get(chunk.txid)?.chunks.push({ ...chunk, data: Buffer.from(chunk.data) });
    }
    return { kept, known: batch.items.length - kept };
  }

  #made(batch: Parameters<UndoStore['keep']>[0], drained: DrainedItem): Kept {
    const agent = this.agents.get(drained.role);
    const item: UndoItem = {
      id: newId('undo', systemClock),
      target: batch.target,
      install: batch.install,
      txid: drained.txid,
      at: drained.at,
      role: drained.role,
      agentId: agent?.[0] ?? null,
      agentName: agent?.[1] ?? null,
      application: drained.application,
      state: 'kept',
      parts: drained.entries.map(({ op, rows, shape, act }) => ({
        op,
        rows,
        name: shape === null ? (act?.verb ?? '') : `${shape.schema}.${shape.table}`,
      })),
      undoOf: drained.undoOf,
      keptUntilTickMs: BigInt(batch.graceMs),
      purgeAtTickMs: null,
    };
    return { item, entries: drained.entries, chunks: [] };
  }

  async list(query: UndoQuery): Promise<readonly UndoItem[]> {
    const { target, agentName, role, since, until, states, after } = query;
    const fits = this.#kept
      .map(({ item }) => item)
      .filter(
        (item) =>
          (target === undefined || item.target === target) &&
          (agentName === undefined || item.agentName === agentName) &&
          (role === undefined || item.role === role) &&
          (since === undefined || item.at >= since) &&
          (until === undefined || item.at < until) &&
          (states === undefined || states.includes(item.state)),
      )
      .reverse();
    const from = after === undefined ? 0 : fits.findIndex(({ id }) => id === after) + 1;
    return fits.slice(from, from + query.limit);
  }

  async find(id: string): Promise<UndoItem | null> {
    return this.#kept.find(({ item }) => item.id === id)?.item ?? null;
  }

  async entries(id: string): Promise<readonly UndoEntry[]> {
    return this.#kept.find(({ item }) => item.id === id)?.entries ?? [];
  }

  async *chunks(id: string, shapeId: bigint): AsyncIterable<RowChunk> {
    const kept = this.#kept.find(({ item }) => item.id === id);
    for (const chunk of kept?.chunks ?? []) if (chunk.shapeId === shapeId) yield chunk;
  }

  async entriesOf(ids: readonly string[]) {
    const of = this.#kept.filter(({ item }) => ids.includes(item.id));
    return new Map(of.map(({ item, entries }) => [item.id, entries]));
  }

  async *chunksOf(ids: readonly string[], shapeId: bigint): AsyncIterable<RowChunk> {
    for (const id of ids) yield* this.chunks(id, shapeId);
  }

  async beginRun(run: UndoRun): Promise<void> {
    this.#runs.set(run.id, { run, isWhole: false, isSettled: false });
  }

  async endRun(id: string, isWhole: boolean): Promise<void> {
    const there = this.#runs.get(id);
    if (there !== undefined) this.#runs.set(id, { ...there, isWhole });
  }

  async itemsOfRun(id: string): Promise<readonly string[]> {
    return this.#runs.get(id)?.run.items ?? [];
  }

  async unsettledRuns(ids: readonly string[]): Promise<readonly UndoRun[]> {
    return [...this.#runs.values()]
      .filter(({ run, isWhole, isSettled }) => {
        const isThere = this.#kept.some(
          ({ item }) => item.undoOf !== null && item.application.endsWith(run.id),
        );
        return isWhole && !isSettled && isThere && run.items.some((id) => ids.includes(id));
      })
      .map(({ run }) => run);
  }

  async settleRun(id: string): Promise<void> {
    const there = this.#runs.get(id);
    if (there !== undefined) this.#runs.set(id, { ...there, isSettled: true });
  }

  async setState(ids: readonly string[], from: readonly UndoState[], to: UndoState) {
    return this.#change(ids, (item) => (from.includes(item.state) ? { ...item, state: to } : item));
  }

  async extend(ids: readonly string[], byMs: number): Promise<number> {
    return this.#change(ids, (item) => ({
      ...item,
      keptUntilTickMs: item.keptUntilTickMs + BigInt(byMs),
    }));
  }

  async requestPurge(ids: readonly string[], afterMs: number): Promise<number> {
    return this.#change(ids, (item) => ({
      ...item,
      state: 'purging',
      purgeAtTickMs: BigInt(afterMs),
    }));
  }

  async cancelPurge(ids: readonly string[]): Promise<number> {
    return this.#change(ids, (item) =>
      item.state === 'purging' ? { ...item, state: 'kept', purgeAtTickMs: null } : item,
    );
  }

  /** Time stands still here: nothing is ever due. */
  async beginPurge(): Promise<readonly DuePurge[]> {
    return [];
  }

  async finishPurge(id: string): Promise<void> {
    this.#change([id], (item) => ({ ...item, state: 'purged' }));
  }

  #change(ids: readonly string[], change: (item: UndoItem) => UndoItem): number {
    let changed = 0;
    for (const kept of this.#kept) {
      if (!ids.includes(kept.item.id)) continue;
      const next = change(kept.item);
      if (next !== kept.item) changed += 1;
      kept.item = next;
    }
    return changed;
  }
}
