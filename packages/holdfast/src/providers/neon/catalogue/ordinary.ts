/** What is left: adds something, or changes what is easily set again; and what only reads. */
import { operations } from '../../catalogue.ts';

const PROJECT = '/projects/{project_id}';
const BRANCH = `${PROJECT}/branches/{branch_id}`;
const ENDPOINT = `${PROJECT}/endpoints/{endpoint_id}`;
const ORGANIZATION = '/organizations/{org_id}';

export const ORDINARY = operations('ordinary', [
  ['POST /projects', 'project', 'body.project.name', 'makes a project'],
  [`POST ${PROJECT}/branches`, 'environment', 'body.branch.name', 'makes a branch'],
  [`PATCH ${BRANCH}`, 'environment', 'branch_id', 'renames the branch', 'inverse'],
  [`POST ${BRANCH}/databases`, 'database', 'body.database.name', 'makes a database'],
  [
    `PATCH ${BRANCH}/data-api/{database_name}`,
    'service',
    'database_name',
    'has the data API look at the structure again',
  ],
  [`POST ${BRANCH}/snapshot`, 'backup', 'branch_id', 'makes a snapshot of the branch'],
  [
    `PATCH ${PROJECT}/snapshots/{snapshot_id}`,
    'backup',
    'snapshot_id',
    'renames a snapshot',
    'inverse',
  ],
  [`POST ${PROJECT}/endpoints`, 'service', 'body.endpoint.branch_id', 'makes a compute endpoint'],
  [`POST ${ENDPOINT}/start`, 'service', 'endpoint_id', 'starts the compute endpoint'],
]);

const READ = [
  'GET /api_keys',
  'GET /auth',
  'GET /consumption_history/account',
  'GET /consumption_history/projects',
  'GET /regions',
  'GET /users/me',
  'GET /users/me/organizations',
  'GET /projects',
  'GET /projects/shared',
  `GET ${ORGANIZATION}`,
  `GET ${ORGANIZATION}/api_keys`,
  `GET ${ORGANIZATION}/invitations`,
  `GET ${ORGANIZATION}/members`,
  `GET ${ORGANIZATION}/members/{member_id}`,
  `GET ${ORGANIZATION}/vpc/vpc_endpoints`,
  `GET ${ORGANIZATION}/vpc/region/{region_id}/vpc_endpoints`,
  `GET ${ORGANIZATION}/vpc/region/{region_id}/vpc_endpoints/{vpc_endpoint_id}`,
  `GET ${PROJECT}`,
  `GET ${PROJECT}/auth/domains`,
  `GET ${PROJECT}/auth/integrations`,
  `GET ${PROJECT}/available_preload_libraries`,
  `GET ${PROJECT}/branches`,
  `GET ${PROJECT}/branches/count`,
  `GET ${PROJECT}/endpoints`,
  `GET ${PROJECT}/jwks`,
  `GET ${PROJECT}/operations`,
  `GET ${PROJECT}/operations/{operation_id}`,
  `GET ${PROJECT}/permissions`,
  `GET ${PROJECT}/snapshots`,
  `GET ${PROJECT}/vpc_endpoints`,
  `GET ${BRANCH}`,
  `GET ${BRANCH}/compare_schema`,
  `GET ${BRANCH}/data-api/{database_name}`,
  `GET ${BRANCH}/databases`,
  `GET ${BRANCH}/databases/{database_name}`,
  `GET ${BRANCH}/endpoints`,
  `GET ${BRANCH}/roles`,
  `GET ${BRANCH}/roles/{role_name}`,
  `GET ${BRANCH}/schema`,
  `GET ${ENDPOINT}`,
] as const;

export const READS = operations(
  'reads',
  READ.map((key) => [key, 'other', null, 'only reads']),
);
