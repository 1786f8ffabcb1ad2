/** What stays open on this server, by name and with the reason; and what people should know. */

import type { Ground, OpenPoint } from './ground.ts';
import { isHarmless } from './harmless.ts';
import { isOwned } from './meta.ts';
import { ownersOf } from './plan-roles.ts';

export function openPoints(ground: Ground): {
  readonly open: readonly OpenPoint[];
  readonly notes: readonly string[];
} {
  return {
    open: [...always(ground), ...byLevel(ground), ...byOwner(ground), ...uncaptured(ground)],
    notes: notes(ground),
  };
}

/** What no SQL of ours can close. */
function always({ inspection }: Ground): OpenPoint[] {
  const elsewhere = inspection.otherDatabases.join(', ');
  return [
    {
      closes: 'network',
      about: 'Who may connect from where',
      why: 'pg_hba.conf and the network decide: let agents’ roles (hf_*) in from the gateway only',
    },
    ...(elsewhere === ''
      ? []
      : [
          {
            closes: 'network' as const,
            about: `The other databases of this server (${elsewhere})`,
            why: 'everybody may connect there; protect them too, or let hf_* in nowhere else by pg_hba.conf',
          },
        ]),
  ];
}

function byLevel({ inspection, level }: Ground): OpenPoint[] {
  const { admin, hosted, owns_database } = inspection.server;
  if (level === 'full') return [];
  const why = `${admin} is no superuser${hosted === null ? '' : ` (${hosted})`}`;
  const open: OpenPoint[] = [
    {
      closes: 'fence',
      about:
        'Drops and rewrites by owners are not refused, and new tables are captured only after the next check',
      why: `${why}, so no event trigger can be made`,
    },
    {
      closes: 'large-objects',
      about: 'Every role may make and delete its own large objects',
      why: `${why}, and lo_* belong to one`,
    },
    {
      closes: 'opaque-code',
      about: 'Every role may write code in sql and plpgsql where it may create, and run DO blocks',
      why: `${why}, and languages belong to one`,
    },
  ];
  if (level === 'capture-only') {
    open.push({
      closes: 'own-role',
      about: 'Agents log in as the upstream’s own role',
      why: `${why} and has no CREATEROLE`,
    });
  }
  if (!owns_database) {
    open.push({
      closes: 'opaque-code',
      about: 'Every role may make temporary tables and functions',
      why: `${admin} does not own the database`,
    });
  }
  return open;
}

function byOwner(ground: Ground): OpenPoint[] {
  const { isSuperuser, lendable, inspection } = ground;
  const { admin, superuser } = inspection.server;
  const member = inspection.roles.find(({ name }) => name === 'holdfast_owner')?.member_of ?? [];
  const out = ownersOf(ground).filter((owner) => {
    if (lendable.has(owner) || member.includes(owner)) return false;
    return isSuperuser(owner) ? !superuser : owner !== admin;
  });
  return out.map((owner) => ({
    closes: 'ownership',
    about: `What ${owner} owns is neither captured nor made reversible`,
    why: `${admin} may not lend ${owner}'s rights: GRANT ${owner} TO ${admin} WITH ADMIN OPTION`,
  }));
}

function uncaptured({ inspection }: Ground): OpenPoint[] {
  return inspection.uncapturable.map(({ reason, table }) => ({
    closes: 'capture',
    about: `What is changed in ${table} is not kept`,
    why: reason,
  }));
}

/** Now, or before what it owned was given to holdfast_ddl. */
function ownedByAdmin({ inspection }: Ground): number {
  const { meta, relations, server } = inspection;
  const noted = meta?.get('before');
  const before = (Array.isArray(noted) ? (noted as unknown[]) : []).filter(isOwned);
  return [...relations, ...before].filter(({ owner }) => owner === server.admin).length;
}

function notes(ground: Ground): string[] {
  const { ddlOwner, inspection, isSuperuser, level, options } = ground;
  const { roles, routines, server } = inspection;
  const known = new Set(roles.map(({ name }) => name));
  const said: string[] = [];
  for (const role of options.exempt) {
    if (!known.has(role))
      said.push(`protection.exempt names ${role}, and there is no such role here.`);
    else if (isSuperuser(role))
      said.push(`${role} is exempt and a superuser: it can undo all of this.`);
  }
  if (server.admin !== 'postgres' && !server.superuser && level !== 'capture-only') {
    said.push(
      `${server.admin} becomes a member of holdfast_owner: keep its password from the application.`,
    );
    const owned = ownedByAdmin(ground);
    if (owned > 0) {
      said.push(
        `${server.admin} is Holdfast’s admin and owns ${owned} of the objects here: they are given to holdfast_ddl, ` +
          `and agents log in as themselves. But whoever has the password of ${server.admin} is Holdfast here: ` +
          'its changes of rows are captured, its drops are not refused, and it can take all of this down. ' +
          'A role of its own under protection.admin is better.',
      );
    }
  }
  for (const { definer, extension, identity, used_by } of routines.filter(
    (one) => one.extension === null || !isHarmless(one),
  )) {
    const listed = options.functionsAllowed.some(
      (one) => identity.startsWith(`${one}(`) || identity.includes(`.${one}(`),
    );
    if (extension === null && !listed && used_by.length > 0) {
      said.push(
        `Agents cannot use ${used_by.join(', ')}: ${identity} is not listed under functions.allow.`,
      );
    }
    if (listed && definer)
      said.push(`${identity} is listed for agents and runs with its owner's rights.`);
  }
  said.push(`What agents make through Holdfast belongs to ${ddlOwner}.`);
  return said;
}
