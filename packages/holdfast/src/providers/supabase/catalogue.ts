/**
 * Operations of Supabase's management API, as far as they are known for certain: a new one is held until
 * it has a row. What runs SQL is not here: its text is read (`sql.ts`).
 *
 * Many things that only read hand out secrets: the keys of a project, its variables, the password of a
 * branch's database.
 */
import { type Operation, operations } from '../catalogue.ts';

const PROJECT = '/v1/projects/{ref}';
const BRANCH = '/v1/branches/{branch}';

const DESTROYS = operations('destroys', [
  [`DELETE ${PROJECT}`, 'project', 'ref', 'deletes the project with its database and backups'],
  [`DELETE ${BRANCH}`, 'environment', 'branch', 'deletes the branch with its database'],
  [`DELETE ${PROJECT}/branches`, 'environment', 'ref', 'deletes every branch of the project'],
  [`POST ${BRANCH}/reset`, 'environment', 'branch', 'empties the database of the branch'],
  [
    `POST ${BRANCH}/merge`,
    'environment',
    'branch',
    'runs the migrations of the branch in production',
  ],
  [
    `POST ${PROJECT}/database/backups/restore`,
    'backup',
    'ref',
    'puts a backup over the present data',
  ],
  [
    `POST ${PROJECT}/database/backups/restore-pitr`,
    'backup',
    'ref',
    'puts the state of another time over the present data',
  ],
  [
    `POST ${PROJECT}/database/backups/undo`,
    'backup',
    'ref',
    'puts a restore point over the present data',
  ],
  [
    `DELETE ${PROJECT}/database/migrations`,
    'database',
    'ref',
    'rolls migrations back, with what they made',
  ],
  [`POST ${PROJECT}/secrets`, 'variable', null, 'sets variables; the old values are lost'],
  [`DELETE ${PROJECT}/secrets`, 'variable', null, 'removes variables'],
  [`DELETE ${PROJECT}/functions/{slug}`, 'function', 'slug', 'deletes a function with its code'],
  [
    `PUT ${PROJECT}/functions`,
    'function',
    'ref',
    'replaces all functions; one that is not named may go',
  ],
  [
    `DELETE ${PROJECT}/api-keys/{id}`,
    'credential',
    'id',
    'makes a key void, and shuts its users out',
  ],
  [`DELETE ${PROJECT}/custom-hostname`, 'domain', 'ref', 'removes the domain of the project'],
  [`DELETE ${PROJECT}/vanity-subdomain`, 'domain', 'ref', 'gives the name of the project away'],
  [
    `PUT ${PROJECT}/pgsodium`,
    'credential',
    'ref',
    'replaces the key that data is encrypted with; what was can no longer be read',
  ],
  [`POST ${PROJECT}/read-replicas/remove`, 'database', 'ref', 'removes a replica of the database'],
  [
    `PATCH ${PROJECT}/database/password`,
    'credential',
    'ref',
    'replaces the password of the database, and shuts its users out',
  ],
]);

const INTERRUPTS = operations('interrupts', [
  [`POST ${PROJECT}/pause`, 'project', 'ref', 'stops the project', 'inverse'],
  [`POST ${PROJECT}/restore/cancel`, 'project', 'ref', 'breaks off the start of the project'],
  [`POST ${PROJECT}/upgrade`, 'database', 'ref', 'moves the database to another version'],
  [`PATCH ${BRANCH}`, 'environment', 'branch', 'changes settings of the branch'],
  [`PUT ${PROJECT}/config/database/postgres`, 'setting', 'ref', 'changes settings of the database'],
  [
    `PATCH ${PROJECT}/config/database/pooler`,
    'setting',
    'ref',
    'changes how connections are shared',
  ],
  [`PATCH ${PROJECT}/config/storage`, 'setting', 'ref', 'changes settings of the storage'],
  [`PATCH ${PROJECT}/config/realtime`, 'setting', 'ref', 'changes settings of realtime'],
  [`POST ${PROJECT}/config/disk`, 'volume', 'ref', 'changes the disk; it cannot be made smaller'],
  [`POST ${PROJECT}/config/realtime/shutdown`, 'service', 'ref', 'breaks all realtime connections'],
  [`PUT ${PROJECT}/api-keys/legacy`, 'credential', 'ref', 'switches the old keys on or off'],
  [`POST ${PROJECT}/custom-hostname/initialize`, 'domain', 'ref', 'begins to give a domain'],
  [`POST ${PROJECT}/custom-hostname/reverify`, 'domain', 'ref', 'looks at a domain again'],
  [`POST ${PROJECT}/custom-hostname/activate`, 'domain', 'ref', 'moves the project to a domain'],
  [`POST ${PROJECT}/vanity-subdomain/activate`, 'domain', 'ref', 'moves the project to a name'],
]);

const GRANTS = operations('grants', [
  [`GET ${BRANCH}`, 'credential', 'branch', 'hands out the password of a branch’s database'],
  [`GET ${PROJECT}/api-keys`, 'credential', 'ref', 'hands out the keys of the project'],
  [`GET ${PROJECT}/api-keys/{id}`, 'credential', 'id', 'hands out a key of the project'],
  [`POST ${PROJECT}/api-keys`, 'credential', 'ref', 'makes a key of the project and hands it out'],
  [`PATCH ${PROJECT}/api-keys/{id}`, 'credential', 'id', 'changes what a key may do'],
  [`GET ${PROJECT}/secrets`, 'credential', 'ref', 'hands out the variables of functions'],
  [`GET ${PROJECT}/pgsodium`, 'credential', 'ref', 'hands out the key that data is encrypted with'],
  [
    `GET ${PROJECT}/postgrest`,
    'credential',
    'ref',
    'hands out the secret that tokens are made with',
  ],
  [`PATCH ${PROJECT}/postgrest`, 'network', 'ref', 'changes which schemas the data API shows'],
  [`GET ${PROJECT}/config/auth`, 'credential', 'ref', 'hands out the secrets of sign-in'],
  [`PATCH ${PROJECT}/config/auth`, 'credential', 'ref', 'changes who can sign in, and how'],
  [
    `POST ${PROJECT}/config/auth/sso/providers`,
    'credential',
    'ref',
    'lets another product sign in',
  ],
  [
    `PUT ${PROJECT}/config/auth/sso/providers/{provider_id}`,
    'credential',
    'provider_id',
    'changes how another product signs in',
  ],
  [
    `DELETE ${PROJECT}/config/auth/sso/providers/{provider_id}`,
    'credential',
    'provider_id',
    'no longer lets another product sign in',
  ],
  [`POST ${PROJECT}/config/auth/third-party-auth`, 'credential', 'ref', 'trusts another issuer'],
  [
    `DELETE ${PROJECT}/config/auth/third-party-auth/{tpa_id}`,
    'credential',
    'tpa_id',
    'no longer trusts another issuer',
  ],
  [`POST ${PROJECT}/config/auth/signing-keys`, 'credential', 'ref', 'makes a key for tokens'],
  [
    `PATCH ${PROJECT}/config/auth/signing-keys/{id}`,
    'credential',
    'id',
    'changes a key for tokens',
  ],
  [`DELETE ${PROJECT}/config/auth/signing-keys/{id}`, 'credential', 'id', 'ends a key for tokens'],
  [`POST ${PROJECT}/network-restrictions/apply`, 'network', 'ref', 'changes who may connect'],
  [`PATCH ${PROJECT}/network-restrictions`, 'network', 'ref', 'changes who may connect'],
  [`DELETE ${PROJECT}/network-bans`, 'network', 'ref', 'lets addresses in that were shut out'],
  [`PUT ${PROJECT}/ssl-enforcement`, 'network', 'ref', 'changes whether TLS is asked for'],
  [
    `POST ${PROJECT}/readonly/temporary-disable`,
    'database',
    'ref',
    'lets a full database be written',
  ],
  [
    `POST ${PROJECT}/cli/login-role`,
    'credential',
    'ref',
    'makes a role and hands out its password',
  ],
  [`DELETE ${PROJECT}/cli/login-role`, 'credential', 'ref', 'removes roles of the command line'],
  [`PATCH ${PROJECT}/billing/addons`, 'account', 'ref', 'changes what is paid for'],
  [`DELETE ${PROJECT}/billing/addons/{variant}`, 'account', 'variant', 'ends what is paid for'],
  [`GET ${PROJECT}/config/database/pooler`, 'credential', 'ref', 'hands out connection strings'],
  [
    `GET ${PROJECT}/config/database/pgbouncer`,
    'credential',
    'ref',
    'hands out a connection string',
  ],
  [
    `GET ${PROJECT}/claim-token`,
    'credential',
    'ref',
    'shows the token that the project changes hands by',
  ],
  [
    `POST ${PROJECT}/claim-token`,
    'credential',
    'ref',
    'makes a token that the project changes hands by',
  ],
  [`DELETE ${PROJECT}/claim-token`, 'credential', 'ref', 'makes a token void'],
  [`POST ${PROJECT}/database/jit`, 'role', 'ref', 'lets somebody into the database'],
  [`PUT ${PROJECT}/database/jit`, 'role', 'ref', 'changes who may become which role'],
  [`DELETE ${PROJECT}/database/jit/{user}`, 'role', 'user', 'shuts somebody out of the database'],
  ['POST /v1/oauth/token', 'credential', null, 'hands out a token'],
  ['POST /v1/oauth/revoke', 'credential', null, 'makes a token void'],
]);

const RUNS = operations('runs', [
  [`POST ${PROJECT}/functions`, 'function', 'ref', 'makes a function that runs with all rights'],
  [`POST ${PROJECT}/functions/deploy`, 'function', 'ref', 'makes or replaces a function'],
  [`PATCH ${PROJECT}/functions/{slug}`, 'function', 'slug', 'replaces a function'],
  [
    `POST ${BRANCH}/push`,
    'environment',
    'branch',
    'runs the migrations of production in the branch',
  ],
]);

const ORDINARY = operations('ordinary', [
  ['POST /v1/projects', 'project', 'body.name', 'makes a project'],
  ['POST /v1/organizations', 'workspace', 'body.name', 'makes an organization'],
  [`PATCH ${PROJECT}`, 'project', 'ref', 'renames the project', 'inverse'],
  [`POST ${PROJECT}/branches`, 'environment', 'body.branch_name', 'makes a branch'],
  [`POST ${PROJECT}/restore`, 'project', 'ref', 'starts the project again'],
  [`POST ${PROJECT}/database/backups/restore-point`, 'backup', 'ref', 'makes a restore point'],
  [`POST ${PROJECT}/database/webhooks/enable`, 'database', 'ref', 'switches webhooks on'],
  [`POST ${PROJECT}/read-replicas/setup`, 'database', 'ref', 'makes a replica of the database'],
]);

const READS = operations(
  'reads',
  [
    'GET /v1/profile',
    'GET /v1/organizations',
    'GET /v1/organizations/{slug}',
    'GET /v1/organizations/{slug}/members',
    'GET /v1/projects',
    'GET /v1/snippets',
    'GET /v1/snippets/{id}',
    `GET ${BRANCH}/diff`,
    `GET ${PROJECT}`,
    `GET ${PROJECT}/advisors/performance`,
    `GET ${PROJECT}/advisors/security`,
    `GET ${PROJECT}/analytics/endpoints/logs.all`,
    `GET ${PROJECT}/analytics/endpoints/usage.api-counts`,
    `GET ${PROJECT}/analytics/endpoints/usage.api-requests-count`,
    `GET ${PROJECT}/api-keys/legacy`,
    `GET ${PROJECT}/billing/addons`,
    `GET ${PROJECT}/branches`,
    `GET ${PROJECT}/config/auth/signing-keys`,
    `GET ${PROJECT}/config/auth/sso/providers`,
    `GET ${PROJECT}/config/auth/sso/providers/{provider_id}`,
    `GET ${PROJECT}/config/auth/third-party-auth`,
    `GET ${PROJECT}/config/database/postgres`,
    `GET ${PROJECT}/config/realtime`,
    `GET ${PROJECT}/config/storage`,
    `GET ${PROJECT}/custom-hostname`,
    `GET ${PROJECT}/database/backups`,
    `GET ${PROJECT}/config/disk/autoscale`,
    `GET ${PROJECT}/config/disk/util`,
    `GET ${PROJECT}/database/backups/restore-point`,
    `GET ${PROJECT}/database/context`,
    `GET ${PROJECT}/database/jit`,
    `GET ${PROJECT}/database/jit/list`,
    `GET ${PROJECT}/database/migrations`,
    `GET ${PROJECT}/database/migrations/{version}`,
    `GET ${PROJECT}/functions`,
    `GET ${PROJECT}/functions/{slug}`,
    `GET ${PROJECT}/functions/{slug}/body`,
    `GET ${PROJECT}/health`,
    `GET ${PROJECT}/network-restrictions`,
    `GET ${PROJECT}/readonly`,
    `GET ${PROJECT}/restore`,
    `GET ${PROJECT}/ssl-enforcement`,
    `GET ${PROJECT}/storage/buckets`,
    `GET ${PROJECT}/types/typescript`,
    `GET ${PROJECT}/upgrade/eligibility`,
    `GET ${PROJECT}/upgrade/status`,
    `GET ${PROJECT}/vanity-subdomain`,
    `POST ${PROJECT}/network-bans/retrieve`,
    `POST ${PROJECT}/vanity-subdomain/check-availability`,
  ].map((key) => [key, 'other', null, 'only reads'] as const),
);

/** What carries SQL: the row stands for what the text does not say. */
const SQL = operations('ordinary', [
  [`POST ${PROJECT}/database/query`, 'database', 'ref', 'runs SQL'],
  [`POST ${PROJECT}/database/query/read-only`, 'database', 'ref', 'runs SQL as a reader'],
  [
    `POST ${PROJECT}/database/migrations`,
    'database',
    'ref',
    'runs SQL, and notes it as a migration',
  ],
  [`PUT ${PROJECT}/database/migrations`, 'database', 'ref', 'notes SQL as a migration'],
  [`PATCH ${PROJECT}/database/migrations/{version}`, 'database', 'ref', 'changes a migration'],
]);

/** Code comes as files, and what it does is nobody's to tell: the rows say that it runs. */
export const TAKES_FILES: ReadonlySet<string> = new Set(
  RUNS.map(([key]) => key).filter((key) => key.includes('/functions')),
);

export const CARRIES_SQL: ReadonlySet<string> = new Set(SQL.map(([key]) => key));

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ...DESTROYS,
  ...INTERRUPTS,
  ...GRANTS,
  ...RUNS,
  ...ORDINARY,
  ...READS,
  ...SQL,
]);
