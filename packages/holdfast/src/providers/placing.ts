/** From environments of a provider to a target of ours: the strictest of all that an act may reach. */
import type { TargetFacts } from '../model/target.ts';
import type { Estate, Whereabouts } from './inventory.ts';
import type { DeclaredPlace, ProviderOptions } from './provider.ts';

/** How a provider is called: on screen, and in names of targets. */
export interface Called {
  readonly title: string;
  readonly name: string;
}

export interface Declared {
  readonly id: string;
  readonly name: string;
  readonly place: DeclaredPlace | null;
}

/** By names or by ids, whichever the configuration says. */
export function declaredIn(
  where: Whereabouts<Estate>,
  placeOf: ProviderOptions['placeOf'],
): readonly Declared[] {
  return where.environments.map(({ id, name, projectId, projectName }) => {
    const place =
      placeOf(projectId, id) ??
      placeOf(projectName, name) ??
      placeOf(projectName, id) ??
      placeOf(projectId, name);
    return { id, name: `${name} of ${projectName}`, place };
  });
}

/** What is not placed has a name that no target has, and so counts as sealed. */
export function targetFactsOf(
  { name, title }: Called,
  where: Whereabouts<Estate>,
  declared: readonly Declared[],
  isRead: boolean,
): TargetFacts {
  const searchPath: readonly string[] = [];
  const { unresolved, estate, isOld, trouble } = where;
  const why = trouble === null ? '' : ` (${trouble})`;
  const [lost] = unresolved;
  if (lost !== undefined) {
    const how = `${lost.type} ${lost.id.slice(0, 64)} was not found at ${title}${why}`;
    return { asked: `${name} (not found)`, searchPath, how };
  }
  const taken = estate?.takenAt.toISOString() ?? 'no time';
  if (isOld && !isRead) {
    const how = `${title} could not be asked where it is now${why}; Holdfast's own list is of ${taken}`;
    return { asked: `${name} (not known now)`, searchPath, how };
  }
  const [first] = declared;
  if (first === undefined) {
    const how = isRead ? {} : { how: 'it names no environment' };
    return { asked: `${name} (account)`, searchPath, ...how };
  }
  const undeclared = declared.find(({ place }) => place === null);
  const strictest = declared.reduce((most, one) =>
    (one.place?.strictness ?? Infinity) > (most.place?.strictness ?? Infinity) ? one : most,
  );
  const seen = declared.map((one) => one.name).join(' and ');
  const how = `found in ${seen}, by Holdfast's own list of ${taken}`;
  const worst = undeclared ?? strictest;
  return { asked: worst.place?.target ?? `${name} ${worst.name}`, searchPath, how };
}
