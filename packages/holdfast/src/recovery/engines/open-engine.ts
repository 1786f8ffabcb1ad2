/**
 * The engines there are, and which of them is wanted. Whatever takes the points now, each of those that
 * lie in a vault is restored by the engine that took it.
 */
import { HoldfastError } from '../../model/errors.ts';
import type { EngineKind, RecoveryPoint } from '../recovery-point.ts';
import { DumpEngine } from './dump/dump-engine.ts';
import type { Engine } from './engine.ts';
import type { EngineOptions } from './engine-options.ts';
import { PgBackRestEngine } from './pgbackrest/pgbackrest-engine.ts';
import type { PgBackRestWay } from './pgbackrest/pgbackrest-program.ts';
import { PullEngine } from './pull/pull-engine.ts';

export interface AnyEngineOptions extends EngineOptions {
  /** Null: holdfast.yaml does not say it. */
  readonly pgbackrest: PgBackRestWay | null;
}

/** Connects to nothing yet. */
export function openEngine(kind: EngineKind, options: AnyEngineOptions): Engine {
  switch (kind) {
    case 'pull':
      return new PullEngine({ ...options, acceptsCorruptPages: false });
    case 'dump':
      return new DumpEngine(options);
    case 'pgbackrest':
      if (options.pgbackrest === null) throw notSaid();
      return new PgBackRestEngine({ ...options, way: options.pgbackrest });
    default:
      return kind satisfies never;
  }
}

/** Of points of any kind. */
export function restorerOf(options: AnyEngineOptions): Pick<Engine, 'restore'> {
  return {
    restore: (point: RecoveryPoint, ...rest) =>
      openEngine(point.engine, options).restore(point, ...rest),
  };
}

function notSaid(): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    expected: 'recovery.pgbackrest of the target, with its stanza',
    found: 'none in holdfast.yaml',
    hint: 'Say it, or use the engine pull.',
  });
}
