/** An outage, or configuration that is lost; data stays. And what runs. */
import { operations } from '../../catalogue.ts';

const PROJECT = '/projects/{project_id}';
const BRANCH = `${PROJECT}/branches/{branch_id}`;
const ENDPOINT = `${PROJECT}/endpoints/{endpoint_id}`;

export const INTERRUPTS = operations('interrupts', [
  [`PATCH ${PROJECT}`, 'project', 'project_id', 'changes settings of the project', 'inverse'],
  [
    `POST ${BRANCH}/set_as_default`,
    'environment',
    'branch_id',
    'makes the branch the default one',
    'inverse',
  ],
  [
    `PATCH ${BRANCH}/databases/{database_name}`,
    'database',
    'database_name',
    'changes the name or the owner of the database',
    'inverse',
  ],
  [
    `PATCH ${ENDPOINT}`,
    'service',
    'endpoint_id',
    'changes how the compute endpoint runs, or disables it',
    'inverse',
  ],
  [
    `POST ${ENDPOINT}/suspend`,
    'service',
    'endpoint_id',
    'suspends the compute endpoint and breaks its connections',
    'inverse',
  ],
  [
    `POST ${ENDPOINT}/restart`,
    'service',
    'endpoint_id',
    'restarts the compute endpoint and breaks its connections',
  ],
  [
    `DELETE ${BRANCH}/data-api/{database_name}`,
    'service',
    'database_name',
    'switches the data API of the database off',
    'inverse',
  ],
  [
    `DELETE ${PROJECT}/auth/domains`,
    'network',
    null,
    'removes addresses that sign-in may lead back to',
    'inverse',
  ],
  [
    `PATCH ${PROJECT}/auth/email_server`,
    'service',
    'project_id',
    'changes the server that e-mails of sign-in go by',
    'inverse',
  ],
  [
    `DELETE ${PROJECT}/auth/oauth_providers/{oauth_provider_id}`,
    'service',
    'oauth_provider_id',
    'removes a way to sign in',
  ],
]);
