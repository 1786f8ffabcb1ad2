/** Data goes, or a resource that holds data, or a way back to it. */
import { operations } from '../../catalogue.ts';

const BRANCH = '/projects/{project_id}/branches/{branch_id}';

export const DESTROYS = operations('destroys', [
  [
    'DELETE /projects/{project_id}',
    'project',
    'project_id',
    'deletes the project with all its branches, databases and snapshots',
  ],
  [
    `DELETE ${BRANCH}`,
    'environment',
    'branch_id',
    'deletes the branch with its databases, and its history',
  ],
  [
    `POST ${BRANCH}/restore`,
    'environment',
    'branch_id',
    'puts the state of another branch or time over the present data',
  ],
  [
    `POST ${BRANCH}/finalize_restore`,
    'environment',
    'branch_id',
    'lets a restored branch take the place of the one that is in use',
  ],
  [
    'DELETE /projects/{project_id}/endpoints/{endpoint_id}',
    'service',
    'endpoint_id',
    'deletes the compute endpoint; its address cannot be had again',
  ],
  [
    `DELETE ${BRANCH}/databases/{database_name}`,
    'database',
    'database_name',
    'drops the database with all it holds',
  ],
  [
    `DELETE ${BRANCH}/roles/{role_name}`,
    'role',
    'role_name',
    'deletes the role, and whoever uses it is shut out',
  ],
  [
    `POST ${BRANCH}/roles/{role_name}/reset_password`,
    'role',
    'role_name',
    'makes the password of the role void, and whoever uses it is shut out',
  ],
  [
    'DELETE /projects/{project_id}/snapshots/{snapshot_id}',
    'backup',
    'snapshot_id',
    'deletes a snapshot, which is a way back',
  ],
  [
    'POST /projects/{project_id}/snapshots/{snapshot_id}/restore',
    'backup',
    'snapshot_id',
    'restores a snapshot to a new branch; when finalised, that takes the place of the one in use',
  ],
  [
    'DELETE /projects/{project_id}/auth/users/{auth_user_id}',
    'member',
    'auth_user_id',
    'deletes a user of the application',
  ],
  [
    'DELETE /projects/{project_id}/auth/integration/{auth_provider}',
    'service',
    'auth_provider',
    'removes the sign-in of the application; with delete_data its tables too',
  ],
]);
