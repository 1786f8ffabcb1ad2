/**
 * The engines there are, and which of them is wanted. Whatever takes the points now, each of those that
 * lie in a vault is restored by the engine that took it.
 */
import { HoldfastError } from '../../model/errors.ts';
import type { EngineKind, RecoveryPoint } from '../recovery-point.ts';
import type { Engine } from './engine.ts';
import { PgBackRestEngine } from './pgbackrest/pgbackrest-engine.ts';
import type { PgBackRestWay } from './pgbackrest/pgbackrest-program.ts';
import { PullEngine } from './pull/pull-engine.ts';
import type { PullOptions } from './pull/pull-options.ts';

export interface EngineOptions extends Omit<PullOptions, 'acceptsCorruptPages'> {
  /** Folders with PostgreSQL's programs that the configuration names. */
  readonly binaries: readonly string[];
  /** Null: holdfast.yaml does not say it. */
  readonly pgbackrest: PgBackRestWay | null;
  /** Of ours, for what is in the works; others may pass through it. */
  readonly folder: string;
}

/** Connects to nothing yet. */
export function openEngine(kind: EngineKind, options: EngineOptions): Engine {
  switch (kind) {
    case 'pull':
      return new PullEngine({ ...options, acceptsCorruptPages: false });
    case 'pgbackrest':
      if (options.pgbackrest === null) throw notSaid();
      return new PgBackRestEngine({ ...options, way: options.pgbackrest });
    case 'dump':
      throw notHere(kind);
    default:
      return kind satisfies never;
  }
}

/** Of points of any kind. */
export function restorerOf(options: EngineOptions): Pick<Engine, 'restore'> {
  return {
    restore: (point: RecoveryPoint, ...rest) =>
      openEngine(point.engine, options).restore(point, ...rest),
  };
}

function notHere(kind: EngineKind): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    expected: 'an engine of this Holdfast',
    found: kind,
    hint: 'Use the engine pull.',
  });
}

function notSaid(): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    expected: 'recovery.pgbackrest of the target, with its stanza',
    found: 'none in holdfast.yaml',
    hint: 'Say it, or use the engine pull.',
  });
}
