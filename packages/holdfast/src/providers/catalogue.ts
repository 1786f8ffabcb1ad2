/**
 * What Holdfast knows of one operation of a provider's API. A row says what the operation does to whom,
 * in words for people; which class it has decides what kind of effect it is.
 *
 * - `destroys`    data, a resource that holds data, or a way back to it.
 * - `opaque`      carries a document that can hold any other act: it is opened, never believed.
 * - `interrupts`  an outage, or configuration that is lost.
 * - `grants`      credentials, membership, ownership, exposure, policy.
 * - `runs`        code.
 * - `ordinary`    what is left of what changes: adds something, or changes what is easily set again.
 * - `reads`       nothing changes, and no secret is handed out (that is `grants`).
 */
import type { Effect, EffectKind, ObjectType } from '../model/effect.ts';

export type OperationClass =
  | 'destroys'
  | 'opaque'
  | 'interrupts'
  | 'grants'
  | 'runs'
  | 'ordinary'
  | 'reads';

export interface Operation {
  readonly class: OperationClass;
  readonly type: ObjectType;
  /** Path of the argument that names the resource (`input.name`); null: none does. */
  readonly names: string | null;
  /** Completes "it ...". */
  readonly does: string;
  /** The state before can be read, and set again by another operation. */
  readonly hasInverse: boolean;
}

export type Row = readonly [
  name: string,
  type: ObjectType,
  names: string | null,
  does: string,
  inverse?: 'inverse',
];

export function operations(
  of: OperationClass,
  rows: readonly Row[],
): readonly (readonly [string, Operation])[] {
  return rows.map(([name, type, names, does, inverse]) => [
    name,
    { class: of, type, names, does, hasInverse: inverse !== undefined },
  ]);
}

export const KIND_OF: Readonly<Record<OperationClass, EffectKind>> = {
  destroys: 'destroy',
  opaque: 'unknown',
  interrupts: 'reshape',
  grants: 'grant',
  runs: 'execute',
  ordinary: 'write',
  reads: 'read',
};

/** The effect of a row; `name` is the resource that the call names, '' when it names none. */
export function effectOf(verb: string, operation: Operation, name: string): Effect {
  const kind = KIND_OF[operation.class];
  const { type, does } = operation;
  const of = { kind, verb, additive: false } as const;
  if (kind === 'read') return { ...of, object: null, reach: 'none', why: null };
  const object = { type, schema: null, name };
  return { ...of, object, reach: type === 'variable' ? 'rows' : 'whole', why: `it ${does}` };
}
