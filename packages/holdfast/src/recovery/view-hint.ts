/**
 * Where what is newest in a vault is not what was stored there, and it was sound before: the command that brings
 * back what lay there then. Asked for only when something is wrong; each hint is of a time that was looked at.
 */
import type { DrillResult } from './drills/drill-result.ts';
import type { VaultRecords } from './vault-records.ts';

export interface HintParts {
  readonly target: string;
  readonly vault: string;
  readonly records: Pick<VaultRecords, 'soundAsOf'>;
}

export interface ViewHint {
  /** The vault is to be looked at as it was then. */
  readonly at: Date;
  /** What was found of then: a sentence. */
  readonly why: string;
  /** The same, with the command. */
  readonly says: string;
}

export class ViewHints {
  readonly #parts: HintParts;
  /** To look back costs listings: what is wrong in the same way is not looked at twice. */
  #known: { readonly troubles: string; readonly at: Date | null } | null = null;

  constructor(parts: HintParts) {
    this.#parts = parts;
  }

  /** `troubles`: what does not fit among its records. */
  async of(
    system: string,
    troubles: readonly string[],
    drills: readonly DrillResult[],
  ): Promise<readonly ViewHint[]> {
    const hints: ViewHint[] = [];
    const sound = await this.#sound(system, troubles);
    if (sound !== null) {
      hints.push(this.#hint(sound, `As it was at ${sound.toISOString()} all its points fit.`));
    }
    const passed = passedBefore(drills);
    if (passed !== null) {
      const why = `The newest drill failed; the one of ${passed.toISOString()} passed.`;
      hints.push(this.#hint(passed, why));
    }
    return hints;
  }

  async #sound(system: string, troubles: readonly string[]): Promise<Date | null> {
    if (troubles.length === 0) return null;
    const text = `${system}\n${troubles.join('\n')}`;
    if (this.#known?.troubles !== text) {
      this.#known = { troubles: text, at: await this.#parts.records.soundAsOf(system) };
    }
    return this.#known.at;
  }

  #hint(at: Date, why: string): ViewHint {
    const { target, vault } = this.#parts;
    const command = `holdfast restore ${target} --vault ${vault} --as-of ${at.toISOString()} --diff`;
    return { at, why, says: `${why} To see what it holds of then: ${command}` };
  }
}

/** When the newest that passed began; null: the newest that came to an answer did pass, or none did. */
function passedBefore(drills: readonly DrillResult[]): Date | null {
  const newestFirst = drills
    .filter(({ verdict }) => verdict !== 'could-not-run')
    .toSorted((a, b) => (a.endedAt < b.endedAt ? 1 : -1));
  if (newestFirst[0]?.verdict !== 'failed') return null;
  const passed = newestFirst.find(({ verdict }) => verdict === 'passed');
  return passed === undefined ? null : new Date(passed.startedAt);
}
