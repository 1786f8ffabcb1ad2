/** Opaque documents: staged, committed, applied. A commit of what is staged names no content. */
import { Refusal } from '../graphql/execute.ts';
import type { Json } from '../graphql/json.ts';
import { applyChangeSet, patchesOf } from '../world/change-set.ts';
import { applyConfig, etagOf, joined } from '../world/config.ts';
import type { World } from '../world/world.ts';
import { optionalTextAt, type Resolver, type Resolvers, textAt } from './call.ts';
import { stagedView } from './views.ts';

export function stage(world: World, environmentId: string, patch: Json, merge: boolean): void {
  const environment = world.environment(environmentId);
  const before = environment.staged;
  environment.staged = {
    id: before?.id ?? world.newId(),
    patch: merge && before !== null ? joined(before.patch, patch) : patch,
    atMs: world.now(),
  };
}

async function commitStaged(world: World, environmentId: string): Promise<string> {
  const environment = world.environment(environmentId);
  const { staged } = environment;
  if (staged === null) throw new Refusal('There are no staged changes to commit.');
  environment.staged = null;
  await applyConfig(world, environmentId, staged.patch);
  return world.newWorkflow();
}

export const DOCUMENTS: Resolvers = new Map<string, Resolver>([
  [
    'environmentStageChanges',
    ({ world, args }) => {
      const environmentId = textAt(args, 'environmentId');
      stage(world, environmentId, args['input'] ?? null, args['merge'] === true);
      return stagedView(world, world.environment(environmentId));
    },
  ],
  [
    'environmentPatchCommitStaged',
    ({ world, args }) => commitStaged(world, textAt(args, 'environmentId')),
  ],
  [
    'environmentPatchCommit',
    async ({ world, args }) => {
      const environmentId = textAt(args, 'environmentId');
      const patch = args['patch'] ?? null;
      if (patch === null) return commitStaged(world, environmentId);
      await applyConfig(world, environmentId, patch);
      return world.newWorkflow();
    },
  ],
  [
    'environmentApplyChangeSet',
    async ({ world, args }) => {
      const environmentId = textAt(args, 'environmentId');
      const etag = optionalTextAt(args, 'baseConfigEtag');
      if (etag !== null && etag !== etagOf(world, environmentId)) {
        throw new Refusal('The configuration has changed since.', 'CONFLICT');
      }
      await applyChangeSet(world, environmentId, args['input'] ?? null);
      return { id: world.newId(), status: 'applied', diagnostics: [], changes: [] };
    },
  ],
  [
    'environmentPreviewChangeSet',
    ({ world, args }) => {
      const set = args['input'] ?? null;
      const effects = patchesOf(world, textAt(args, 'environmentId'), set);
      return { changeSet: set, diagnostics: [], effects };
    },
  ],
]);
