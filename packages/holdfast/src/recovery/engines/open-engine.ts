/**
 * The engines there are, and which of them is wanted. Whatever takes the points now, each of those that
 * lie in a vault is restored by the engine that took it.
 */
import { HoldfastError } from '../../model/errors.ts';
import type { EngineKind, RecoveryPoint } from '../recovery-point.ts';
import { DumpEngine } from './dump/dump-engine.ts';
import type { Engine } from './engine.ts';
import type { EngineOptions } from './engine-options.ts';
import { PullEngine } from './pull/pull-engine.ts';

/** Connects to nothing yet. */
export function openEngine(kind: EngineKind, options: EngineOptions): Engine {
  switch (kind) {
    case 'pull':
      return new PullEngine({ ...options, acceptsCorruptPages: false });
    case 'dump':
      return new DumpEngine(options);
    case 'pgbackrest':
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
    hint: 'Use the engine pull or dump.',
  });
}
