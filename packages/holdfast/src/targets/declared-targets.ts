/**
 * Targets as holdfast.yaml declares them: found by the exact name that was asked for. What is not
 * declared, or stands in an environment that is not, counts as sealed (P2), and says why.
 */
import type { Environment, ProtocolName, Target, TargetFacts } from '../model/target.ts';
import type { TargetResolver } from './resolver.ts';

export interface DeclaredTarget {
  readonly name: string;
  readonly protocol: ProtocolName;
  /** Name of its environment. */
  readonly environment: string;
}

export class DeclaredTargets implements TargetResolver {
  readonly #targets: ReadonlyMap<string, Target>;

  constructor(targets: readonly DeclaredTarget[], environments: readonly Environment[]) {
    const known = new Map(environments.map(({ name, level }) => [name, { name, level }]));
    this.#targets = new Map(targets.map((one) => [one.name, targetOf(one, known)]));
  }

  resolve({ asked, how }: TargetFacts): Target {
    const target = this.#targets.get(asked) ?? {
      name: asked,
      environment: { name: 'undeclared', level: 'sealed' },
      protocol: 'postgres',
      resolvedBy: 'not declared in holdfast.yaml, so it counts as sealed',
    };
    return how === undefined ? target : { ...target, resolvedBy: `${how}; ${target.resolvedBy}` };
  }
}

function targetOf(one: DeclaredTarget, known: ReadonlyMap<string, Environment>): Target {
  const environment = known.get(one.environment);
  const { name, protocol } = one;
  if (environment === undefined) {
    return {
      name,
      protocol,
      environment: { name: one.environment, level: 'sealed' },
      resolvedBy: `its environment ${one.environment} is not declared, so it counts as sealed`,
    };
  }
  return { name, protocol, environment, resolvedBy: 'declared in holdfast.yaml' };
}
