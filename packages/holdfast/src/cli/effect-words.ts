/** What an act does, line by line: on the card of a hold and of a deferral. */
import type { HoldCard } from '../approvals/hold.ts';
import type { Effect, ObjectRef } from '../model/effect.ts';
import { oneLine } from './print.ts';

/** Below each effect, indented, what people must know of it: what dies with it, why it is not what it seems. */
export function effectLines({
  effects,
  effectsTotal,
}: Pick<HoldCard, 'effects' | 'effectsTotal'>): string[] {
  const more = effectsTotal - effects.length;
  return [...effects.flatMap(linesOf), ...(more > 0 ? [`and ${more} more`] : [])];
}

function linesOf({ kind, object, reach, verb, why }: Effect): string[] {
  const what = object === null ? '' : ` ${named(object)}`;
  const known = why === null ? [] : why.split('; ');
  return [
    oneLine(`${kind}: ${verb}${what} (reaches ${reach})`),
    ...known.map((line) => `  ${oneLine(line)}`),
  ];
}

function named({ name, schema }: ObjectRef): string {
  return schema === null ? name : `${schema}.${name}`;
}
