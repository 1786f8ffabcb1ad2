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

/** Of points of any kind, whatever takes them now. */
export interface Restorer extends Pick<Engine, 'restore'> {
  /** As `Engine.lost`. */
  lost(points: readonly RecoveryPoint[], signal: AbortSignal): Promise<ReadonlySet<string>>;
}

/** `own`: the engine that takes points now; it brings its own back, since it knows how far its stream is. */
export function restorerOf(own: Engine, options: AnyEngineOptions): Restorer {
  const engines = new Map<EngineKind, Engine>([[own.kind, own]]);
  const engineOf = (kind: EngineKind): Engine => {
    const engine = engines.get(kind) ?? openEngine(kind, options);
    engines.set(kind, engine);
    return engine;
  };
  return {
    restore: (point, ...rest) => engineOf(point.engine).restore(point, ...rest),
    lost: async (points, signal) => {
      const lost: string[] = [];
      for (const kind of new Set(points.map(({ engine }) => engine))) {
        const mine = points.filter(({ engine }) => engine === kind);
        lost.push(...((await engineOf(kind).lost?.(mine, signal)) ?? []));
      }
      return new Set(lost);
    },
  };
}

function notSaid(): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    expected: 'recovery.pgbackrest of the target, with its stanza',
    found: 'none in holdfast.yaml',
    hint: 'Say it, or use the engine pull.',
  });
}
