/**
 * What takes a change at a provider back, kept: an undo item in the one list, with the state before sealed
 * beside it. Values of variables are secrets; only an undo opens them, for the way to the provider.
 *
 * It is written before the act is sent, as one that is not known to have happened, and told afterwards.
 */
import { z } from 'zod';
import type { Seal } from '../identity/seal.ts';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { newId } from '../model/ids.ts';
import { INVERSE_BYTES_MAX } from '../model/limits.ts';
import type { Outcome } from '../model/outcome.ts';
import type {
  Happened,
  Inverse,
  InverseKeeper,
  InverseToKeep,
  KeptInverse,
  SlotChange,
} from './inverse.ts';
import type { UndoItem, UndoPart } from './undo-item.ts';

/** The table behind it; implemented by `store/inverse-store.ts`. */
export interface InverseStore {
  /** One durable transaction: the item, its parts, what is sealed. */
  keep(item: NewInverseItem): Promise<void>;
  settle(id: string, happened: Happened): Promise<void>;
  /** Only what is not known to have happened; for an act that was certainly not sent. */
  discard(id: string): Promise<void>;
  /** HF_UNDO_STATE when it was purged, or its purge has begun; HF_UNDO_UNKNOWN. */
  sealed(id: string): Promise<Buffer>;
}

export interface NewInverseItem {
  readonly id: string;
  readonly provider: string;
  readonly target: string;
  readonly at: Date;
  readonly agentId: string | null;
  readonly agentName: string | null;
  readonly client: string;
  readonly undoOf: string | null;
  readonly parts: readonly UndoPart[];
  readonly sealed: Buffer;
  /** How long it is kept, in ms of watched time. */
  readonly graceMs: number;
}

export interface SealedInversesParts {
  readonly store: InverseStore;
  readonly seal: Seal;
  readonly clock: Clock;
  /** Of an environment of ours. */
  readonly graceMsOf: (environment: string) => number;
  /** Rejects with HF_VAULT_FULL. */
  readonly requireRoom: () => Promise<void>;
}

const value = z.string().nullable();
const SEALED = z.object({
  version: z.literal(1),
  changes: z.array(
    z.object({
      at: z.record(z.string(), z.string().nullable()),
      title: z.string(),
      before: value,
      after: value,
    }),
  ),
  notRestored: z.array(z.string()),
});

export class SealedInverses implements InverseKeeper {
  readonly #parts: SealedInversesParts;

  constructor(parts: SealedInversesParts) {
    this.#parts = parts;
  }

  /** Rejects with HF_LIMIT, HF_VAULT_FULL or HF_STORE_UNAVAILABLE. */
  async keep(what: InverseToKeep): Promise<KeptInverse> {
    const { clock, graceMsOf, requireRoom, seal, store } = this.#parts;
    const { actor, client, inverse, provider, target, undoOf } = what;
    const text = Buffer.from(JSON.stringify({ version: 1, ...inverse }));
    if (text.length > INVERSE_BYTES_MAX) throw tooLarge(text.length);
    await requireRoom();
    const id = newId('undo', clock);
    await store.keep({
      id,
      provider,
      target: target.name,
      at: clock.now(),
      agentId: actor?.id ?? null,
      agentName: actor?.name ?? null,
      client,
      undoOf,
      parts: inverse.changes.map(partOf),
      sealed: seal.close(text, { kind: 'undo', id }),
      graceMs: graceMsOf(target.environment.name),
    });
    return { id, settle: (outcome) => this.#settle(id, outcome) };
  }

  /** HF_UNDO_STATE when its data is gone, HF_SEAL when it cannot be opened. */
  async open({ id }: Pick<UndoItem, 'id'>): Promise<Inverse> {
    const { seal, store } = this.#parts;
    const text = seal.open(await store.sealed(id), { kind: 'undo', id });
    const { changes, notRestored } = SEALED.parse(JSON.parse(text.toString('utf8')));
    return { changes, notRestored };
  }

  /** A store that is away leaves it as one of which it is not known, and that is looked at. */
  async #settle(id: string, outcome: Outcome): Promise<void> {
    const { store } = this.#parts;
    try {
      if (outcome.kind === 'not-forwarded') await store.discard(id);
      else await store.settle(id, outcome.kind);
    } catch {
      // As said above: an undo compares with what is there, whatever this would have said.
    }
  }
}

/** As the list names it; an act, so that it counts no rows. */
function partOf({ after, before, title }: SlotChange): UndoPart {
  const did = after === null ? 'removed' : before === null ? 'added' : 'changed';
  return { op: 'X', name: `${did} ${title}`, rows: 0 };
}

function tooLarge(bytes: number): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `at most ${INVERSE_BYTES_MAX} bytes of the state before`,
    found: `${bytes}`,
    hint: 'Send it in several smaller requests.',
  });
}
