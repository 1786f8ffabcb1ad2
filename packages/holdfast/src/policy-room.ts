/** From holdfast.yaml to what policy and targets are made of. */
import type { Config } from './config/config.ts';
import type { PolicySource } from './policy/policy-source.ts';
import { DeclaredTargets } from './targets/declared-targets.ts';

export function policySourceOf({ environments, policy, targets }: Config): PolicySource {
  return {
    files: policy.files,
    replaces: policy.replaces,
    environments: environments.map(({ name, people }) => ({ name, people })),
    targets: targets.map(({ name, functionsAllowed }) => ({ name, functionsAllowed })),
  };
}

export function targetsOf({ environments, targets }: Config): DeclaredTargets {
  return new DeclaredTargets(targets, environments);
}
