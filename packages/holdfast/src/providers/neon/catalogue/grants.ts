/** Who may do what, who owns it, what stands open, and what hands out a secret. */
import { operations } from '../../catalogue.ts';

const PROJECT = '/projects/{project_id}';
const BRANCH = `${PROJECT}/branches/{branch_id}`;
const ORGANIZATION = '/organizations/{org_id}';
const VPC = `${ORGANIZATION}/vpc/region/{region_id}/vpc_endpoints/{vpc_endpoint_id}`;

export const GRANTS = operations('grants', [
  ['POST /api_keys', 'credential', null, 'makes a key for the whole account'],
  ['DELETE /api_keys/{key_id}', 'credential', 'key_id', 'makes a key of the account void'],
  [
    `POST ${ORGANIZATION}/api_keys`,
    'credential',
    'org_id',
    'makes a key for the organization, or for one project of it',
  ],
  [
    `DELETE ${ORGANIZATION}/api_keys/{key_id}`,
    'credential',
    'key_id',
    'makes a key of the organization void',
  ],
  [
    `GET ${PROJECT}/connection_uri`,
    'credential',
    'project_id',
    'hands out a connection string with the password in it',
  ],
  [
    `GET ${BRANCH}/roles/{role_name}/reveal_password`,
    'credential',
    'role_name',
    'hands out the password of the role',
  ],
  [
    `POST ${BRANCH}/roles`,
    'role',
    'body.role.name',
    'makes a role in the database and hands out its password',
  ],
  [`POST ${PROJECT}/permissions`, 'member', 'body.email', 'shares the project with somebody'],
  [
    `DELETE ${PROJECT}/permissions/{permission_id}`,
    'member',
    'permission_id',
    'no longer shares the project with somebody',
  ],
  [
    `POST ${PROJECT}/transfer_requests`,
    'project',
    'project_id',
    'begins to give the project to somebody else',
  ],
  [
    `PUT ${PROJECT}/transfer_requests/{request_id}`,
    'project',
    'project_id',
    'takes a project that changes hands',
  ],
  [
    'POST /organizations/{source_org_id}/projects/transfer',
    'project',
    null,
    'gives projects to another organization',
  ],
  ['POST /users/me/projects/transfer', 'project', null, 'gives projects to an organization'],
  [
    `POST ${PROJECT}/jwks`,
    'credential',
    'project_id',
    'trusts another issuer of tokens for the databases',
  ],
  [
    `DELETE ${PROJECT}/jwks/{jwks_id}`,
    'credential',
    'jwks_id',
    'no longer trusts an issuer of tokens',
  ],
  [
    `POST ${BRANCH}/data-api/{database_name}`,
    'network',
    'database_name',
    'opens the database to the internet by a data API',
  ],
  ['POST /projects/auth/create', 'service', 'body.project_id', 'sets up sign-in in a database'],
  [
    'POST /projects/auth/keys',
    'credential',
    'body.project_id',
    'makes and hands out keys of the sign-in',
  ],
  [
    'POST /projects/auth/transfer_ownership',
    'service',
    'body.project_id',
    'gives the sign-in of the application to another account',
  ],
  ['POST /projects/auth/user', 'member', 'body.email', 'makes a user of the application'],
  [
    `POST ${PROJECT}/auth/domains`,
    'network',
    'body.domain',
    'lets sign-in lead back to another address',
  ],
  [
    `POST ${PROJECT}/auth/oauth_providers`,
    'credential',
    'body.id',
    'lets users of another product sign in',
  ],
  [
    `PATCH ${PROJECT}/auth/oauth_providers/{oauth_provider_id}`,
    'credential',
    'oauth_provider_id',
    'changes how users of another product sign in',
  ],
  [
    `GET ${PROJECT}/auth/oauth_providers`,
    'credential',
    'project_id',
    'hands out the secrets by which users of other products sign in',
  ],
  [
    `GET ${PROJECT}/auth/email_server`,
    'credential',
    'project_id',
    'hands out the password of the server for e-mails',
  ],
  [
    `POST ${PROJECT}/vpc_endpoints/{vpc_endpoint_id}`,
    'network',
    'vpc_endpoint_id',
    'changes which private networks reach the project',
  ],
  [
    `DELETE ${PROJECT}/vpc_endpoints/{vpc_endpoint_id}`,
    'network',
    'vpc_endpoint_id',
    'changes which private networks reach the project',
  ],
  [`POST ${VPC}`, 'network', 'vpc_endpoint_id', 'lets a private network in'],
  [`DELETE ${VPC}`, 'network', 'vpc_endpoint_id', 'shuts a private network out, for good'],
  [
    `PATCH ${ORGANIZATION}/members/{member_id}`,
    'member',
    'member_id',
    'changes the role of a member of the organization',
  ],
  [
    `DELETE ${ORGANIZATION}/members/{member_id}`,
    'member',
    'member_id',
    'removes a member from the organization',
  ],
  [`POST ${ORGANIZATION}/invitations`, 'member', null, 'invites people into the organization'],
]);
