/**
 * Neon's calls as effects, by the catalogue; bodies that can carry another act than the row says are
 * opened. Pure: where things are is for the inventory.
 *
 * A branch is an environment: it has its own data, its own endpoints, and dies by itself.
 */
import { isObject, type Json } from '../../languages/json/json-text.ts';
import type { Effect, EffectKind, ObjectType } from '../../model/effect.ts';
import { effectOf, type Operation } from '../catalogue.ts';
import type { PlaceRef } from '../inventory.ts';
import { namedBy, type RestCall, textIn, valueIn } from '../rest/reading.ts';

type Call = RestCall<Operation>;

export interface CallReading {
  readonly effects: readonly Effect[];
  /** Chains of ids, each inside of the one before; each chain by itself. */
  readonly places: readonly (readonly PlaceRef[])[];
}

export function readNeonCall(call: Call): CallReading {
  const name = namedBy(call.operation.names, call);
  const effects = [effectOf(call.verb, call.operation, name)];
  const more = MORE.get(call.verb);
  more?.(call, (kind, type, why) => {
    const object = { type, schema: null, name };
    effects.push({ kind, verb: call.verb, object, reach: 'whole', additive: false, why });
  });
  return { effects, places: placesOf(call) };
}

type Found = (kind: EffectKind, type: ObjectType, why: string) => void;

const PROJECT = '/projects/{project_id}';
const BRANCH = `${PROJECT}/branches/{branch_id}`;

/** What a row does not say: it hangs on the body, or comes with the answer. */
const MORE: ReadonlyMap<string, (call: Call, found: Found) => void> = new Map([
  ['POST /projects', handsOut('the password of the first role')],
  [`POST ${BRANCH}/roles/{role_name}/reset_password`, handsOut('the new password')],
  [
    `POST ${PROJECT}/branches`,
    ({ body }: Call, found: Found) => {
      // With an endpoint the answer has connection strings: a copy of the data, and the way in.
      if (valueIn(body, 'endpoints') === undefined) return;
      found('grant', 'credential', 'it hands out connection strings to a copy of the data');
    },
  ],
  [`POST ${PROJECT}/endpoints`, endpointPart],
  [`PATCH ${PROJECT}/endpoints/{endpoint_id}`, endpointPart],
  [`PATCH ${BRANCH}`, ({ body }: Call, found: Found) => branchPart(valueIn(body, 'branch'), found)],
  [
    `PATCH ${PROJECT}`,
    ({ body }: Call, found: Found) => projectPart(valueIn(body, 'project'), found),
  ],
]);

/** An endpoint that asks for no password is open to whoever finds it. */
function endpointPart({ body }: Call, found: Found): void {
  const said = valueIn(body, 'endpoint', 'passwordless_access');
  if (said === undefined || said === false) return;
  found('grant', 'network', 'it lets connections in without a password');
}

function handsOut(what: string): (call: Call, found: Found) => void {
  return (_call, found) => found('grant', 'credential', `it hands out ${what}`);
}

function branchPart(branch: Json | undefined, found: Found): void {
  if (!isObject(branch)) return found('unknown', 'environment', 'nobody knows what it changes');
  for (const [key, value] of Object.entries(branch)) {
    if (key === 'name') continue;
    if (key === 'protected') {
      if (value !== true) found('grant', 'environment', 'it takes the protection from the branch');
    } else if (key === 'expires_at') {
      if (value !== null)
        found('destroy', 'environment', 'it has the branch deleted at a set time');
    } else {
      found('unknown', 'environment', `nobody knows what ${shown(key)} does to a branch`);
    }
  }
}

const HARMLESS_SETTINGS = new Set(['name', 'default_endpoint_settings']);
const OUTAGES = new Set([
  'quota',
  'enable_logical_replication',
  'maintenance_window',
  'preload_libraries',
]);
const OPENINGS = new Set([
  'allowed_ips',
  'block_public_connections',
  'block_vpc_connections',
  'audit_log_level',
  'hipaa',
]);

function projectPart(project: Json | undefined, found: Found): void {
  if (!isObject(project)) return found('unknown', 'project', 'nobody knows what it changes');
  for (const [key, value] of Object.entries(project)) {
    if (HARMLESS_SETTINGS.has(key)) continue;
    if (key === 'history_retention_seconds') {
      const why = 'it changes how far back the data can be had; what is older goes';
      found('destroy', 'backup', why);
    } else if (key === 'settings' && isObject(value)) {
      for (const name of Object.keys(value)) settingPart(name, found);
    } else {
      found('unknown', 'project', `nobody knows what ${shown(key)} does to a project`);
    }
  }
}

function settingPart(name: string, found: Found): void {
  if (OPENINGS.has(name))
    found('grant', 'network', `it changes ${name}: who may connect, or is seen`);
  else if (!OUTAGES.has(name)) {
    found('unknown', 'project', `nobody knows what ${shown(name)} does to a project`);
  }
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ['org_id', 'organization'],
  ['source_org_id', 'organization'],
  ['project_id', 'project'],
  ['branch_id', 'environment'],
  ['endpoint_id', 'endpoint'],
  ['snapshot_id', 'snapshot'],
]);

/** The only words beside the path that narrow it: what they name is all that the operation touches. */
const NARROWS: ReadonlyMap<string, (call: Call) => readonly PlaceRef[]> = new Map([
  [`POST ${PROJECT}/branches`, inBody('environment', 'branch', 'parent_id')],
  [`POST ${PROJECT}/endpoints`, inBody('environment', 'endpoint', 'branch_id')],
  [`GET ${PROJECT}/connection_uri`, inQuery],
]);

/** Ids of a body, wherever they are sent: another branch or project that is reached besides. */
const ADDS: readonly ((call: Call) => readonly PlaceRef[])[] = [
  inBody('environment', 'branch', 'parent_id'),
  inBody('environment', 'endpoint', 'branch_id'),
  inBody('environment', 'source_branch_id'),
  inBody('environment', 'target_branch_id'),
  inBody('environment', 'branch_id'),
  inBody('project', 'project_id'),
  inBody('organization', 'project', 'org_id'),
  inBody('organization', 'destination_org_id'),
  inQuery,
  ({ body }) => {
    const ids = valueIn(body, 'project_ids');
    return (Array.isArray(ids) ? ids : []).map((id) => ({ type: 'project', id: String(id) }));
  },
];

function inBody(type: string, ...keys: readonly string[]): (call: Call) => readonly PlaceRef[] {
  return ({ body }) => {
    const id = textIn(body, ...keys);
    return id === null || id === '' ? [] : [{ type, id }];
  };
}

function inQuery({ query }: Call): readonly PlaceRef[] {
  const of = (name: string, type: string): readonly PlaceRef[] =>
    (query.get(name) ?? []).map((id) => ({ type, id }));
  return [
    ...of('branch_id', 'environment'),
    ...of('base_branch_id', 'environment'),
    ...of('endpoint_id', 'endpoint'),
  ];
}

function placesOf(call: Call): readonly (readonly PlaceRef[])[] {
  const path = [...call.parameters].flatMap(([name, id]) => {
    const type = TYPES.get(name);
    return type === undefined ? [] : [{ type, id }];
  });
  const project = path.filter(({ type }) => type === 'project');
  const added = ADDS.flatMap((find) => find(call)).map((place) =>
    // A branch is inside of the project of the path; one that is not does not fit, and all counts.
    place.type === 'environment' || place.type === 'endpoint' ? [...project, place] : [place],
  );
  const isNarrowed = (NARROWS.get(call.verb)?.(call) ?? []).length > 0;
  return isNarrowed || path.length === 0 ? added : [path, ...added];
}

function shown(key: string): string {
  return JSON.stringify(key.slice(0, 100));
}
