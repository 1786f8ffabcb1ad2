/**
 * From one picture of roles to another, as statements: what has to go, then names, then what is new, then
 * who belongs to whom, then settings. Used for the undo (after -> before) and, the other way round, for doing
 * it again: so no password that somebody wrote is kept, only the verifier the server made of it.
 *
 * Each step is one statement, and `isRoleStep` knows each by its exact form: such a step runs as the
 * admin when it is undone, and nothing else does.
 */
import type { ActStep } from '../../undo-item.ts';
import { ident, literal } from '../layout.ts';
import {
  differences,
  type MembershipRow,
  type RolePicture,
  type RoleRow,
  settingsOf,
} from './picture.ts';

export interface RoleSteps {
  readonly steps: readonly ActStep[];
  /** What these statements cannot bring back, in words. */
  readonly notRestored: readonly string[];
}

export function roleSteps(from: RolePicture, to: RolePicture): RoleSteps {
  const steps: ActStep[] = [];
  const notRestored: string[] = [];
  const say = (about: string, sql: string): void => {
    steps.push({ about, sql });
  };
  const roles = differences(from.roles, to.roles);
  const memberships = differences(from.memberships, to.memberships).filter(
    // Only who granted it is gone: nothing that a statement could bring about.
    ({ before, after }) => before === null || after?.grantorThere !== false,
  );
  const isLeaving = (oid: string): boolean => from.roles.has(oid) && !to.roles.has(oid);
  const leaving = memberships.flatMap(({ before, after }) =>
    before !== null && (after === null || before.inherit === null) ? [before] : [],
  );
  for (const row of inOrder(leaving).toReversed()) {
    // A role that is dropped takes its memberships along.
    if (isLeaving(row.roleOid) || isLeaving(row.memberOid)) continue;
    say(aboutMembership(from, row), revokeSql(from, row));
  }
  for (const { before, after } of roles) {
    if (before !== null && after === null)
      say(`role ${before.name}`, `drop role ${ident(before.name)}`);
  }
  for (const { before, after } of roles) {
    if (before === null || after === null || before.name === after.name) continue;
    say(
      `name of role ${after.name}`,
      `alter role ${ident(before.name)} rename to ${ident(after.name)}`,
    );
  }
  for (const { before, after } of roles) {
    if (after === null) continue;
    attributes(before, after, say, notRestored);
  }
  const coming = memberships.flatMap(({ after }) => (after === null ? [] : [after]));
  for (const row of inOrder(coming)) {
    const isSaid = saysWhoGranted(to, row);
    if (!isSaid) {
      notRestored.push(
        `who granted ${nameOf(to, row.roleOid)} to ${nameOf(to, row.memberOid)}: it is the admin then`,
      );
    }
    say(aboutMembership(to, row), grantSql(to, row));
  }
  settings(from, to, isLeaving, say);
  return { steps, notRestored };
}

type Say = (about: string, sql: string) => void;

function attributes(before: RoleRow | null, after: RoleRow, say: Say, notRestored: string[]): void {
  const called = ident(after.name);
  const words = attributeWords(before, after);
  if (before === null) say(`role ${after.name}`, `create role ${called} with ${words.join(' ')}`);
  else if (words.length > 0)
    say(`attributes of role ${after.name}`, `alter role ${called} with ${words.join(' ')}`);
  // VALID UNTIL cannot be taken away again; infinity means the same.
  if (before !== null && before.validUntil !== null && after.validUntil === null) {
    notRestored.push(
      `that ${after.name} has no VALID UNTIL: it is 'infinity', which means the same`,
    );
  }
  if ((before?.comment ?? null) !== after.comment) {
    const said = after.comment === null ? 'null' : literal(after.comment).trim();
    say(`comment on role ${after.name}`, `comment on role ${called} is ${said}`);
  }
}

function attributeWords(before: RoleRow | null, after: RoleRow): string[] {
  const words: string[] = [];
  const flag = (field: 'inherit' | 'createdb' | 'login'): void => {
    if (before?.[field] !== after[field]) words.push(after[field] ? field : `no${field}`);
  };
  flag('login');
  flag('inherit');
  flag('createdb');
  if ((before?.connectionLimit ?? -1) !== after.connectionLimit)
    words.push(`connection limit ${after.connectionLimit}`);
  if ((before?.validUntil ?? null) !== after.validUntil)
    words.push(`valid until ${literal(after.validUntil ?? 'infinity').trim()}`);
  // A new name clears an MD5 verifier: given again, whether it differs or not.
  const isCleared = before?.name !== after.name && after.verifier?.startsWith('md5') === true;
  if ((before?.verifier ?? null) !== after.verifier || (before !== null && isCleared))
    words.push(
      after.verifier === null ? 'password null' : `password ${literal(after.verifier).trim()}`,
    );
  return words;
}

function settings(
  from: RolePicture,
  to: RolePicture,
  isLeaving: (oid: string) => boolean,
  say: Say,
): void {
  for (const { before, after } of differences(from.settings, to.settings)) {
    const row = after ?? before;
    if (row === null || isLeaving(row.roleOid)) continue;
    const whose = `alter role ${ident(nameOf(to, row.roleOid))}${
      row.database === null ? '' : ` in database ${ident(row.database)}`
    }`;
    const about = `settings of role ${nameOf(to, row.roleOid)}`;
    const old = settingsOf(before);
    const now = settingsOf(after);
    for (const name of old.keys()) if (!now.has(name)) say(about, `${whose} reset ${name}`);
    for (const [name, value] of now) {
      if (old.get(name) !== value) say(about, `${whose} set ${name} to ${valueSql(name, value)}`);
    }
  }
}

/** Lists of names are kept quoted (GUC_LIST_QUOTE), and are given one by one. */
const LISTS: ReadonlySet<string> = new Set([
  'search_path',
  'temp_tablespaces',
  'local_preload_libraries',
  'session_preload_libraries',
  'shared_preload_libraries',
  'unix_socket_directories',
]);

function valueSql(name: string, value: string): string {
  if (!LISTS.has(name)) return literal(value).trim();
  const found = [...value.matchAll(/"((?:[^"]|"")*)"|([^",\s][^",]*)/g)].map(([, quoted, bare]) =>
    quoted === undefined ? (bare ?? '').trim() : quoted.replaceAll('""', '"'),
  );
  return found.map((one) => literal(one).trim()).join(', ');
}

/** Who gave a role needs to have it WITH ADMIN OPTION first. */
function inOrder(rows: readonly MembershipRow[]): MembershipRow[] {
  const left = new Set(rows);
  const sorted: MembershipRow[] = [];
  while (left.size > 0) {
    const ready = [...left].filter(
      (row) =>
        ![...left].some(
          (other) =>
            other !== row &&
            other.admin &&
            other.roleOid === row.roleOid &&
            other.memberOid === row.grantorOid,
        ),
    );
    // A circle cannot be; should there be one, the server says so.
    for (const row of ready.length > 0 ? ready : [...left]) {
      sorted.push(row);
      left.delete(row);
    }
  }
  return sorted;
}

function nameOf(picture: RolePicture, oid: string): string {
  return picture.roles.get(oid)?.name ?? oid;
}

function aboutMembership(picture: RolePicture, { roleOid, memberOid }: MembershipRow): string {
  return `role ${nameOf(picture, roleOid)} of ${nameOf(picture, memberOid)}`;
}

function grantSql(picture: RolePicture, row: MembershipRow): string {
  const { admin, inherit, set } = row;
  const how =
    inherit === null || set === null
      ? admin
        ? ' with admin option'
        : ''
      : ` with admin ${admin}, inherit ${inherit}, set ${set}`;
  const by = picture.roles.get(row.grantorOid);
  return `grant ${ident(nameOf(picture, row.roleOid))} to ${ident(nameOf(picture, row.memberOid))}${how}${
    by === undefined || !saysWhoGranted(picture, row) ? '' : ` granted by ${ident(by.name)}`
  }`;
}

/** Before PostgreSQL 16 only a superuser does, and who granted may be gone since. */
function saysWhoGranted(
  { readable }: RolePicture,
  { grantorThere, inherit }: MembershipRow,
): boolean {
  return grantorThere && (inherit !== null || readable);
}

function revokeSql(picture: RolePicture, row: MembershipRow): string {
  const by = row.inherit === null ? undefined : picture.roles.get(row.grantorOid);
  return `revoke ${ident(nameOf(picture, row.roleOid))} from ${ident(nameOf(picture, row.memberOid))}${
    by === undefined ? '' : ` granted by ${ident(by.name)}`
  }`;
}

const NAME = '"(?:[^"]|"")+"';
const TEXT = String.raw`(?:'(?:[^'\\]|'')*'|E'(?:[^'\\]|''|\\\\)*')`;
const WORD = `(?:(?:no)?(?:login|inherit|createdb)|connection limit -?\\d+|valid until ${TEXT}|password (?:null|${TEXT}))`;
const FORMS = [
  `(?:create|alter) role ${NAME} with ${WORD}(?: ${WORD})*`,
  `alter role ${NAME} rename to ${NAME}`,
  `drop role ${NAME}`,
  `alter role ${NAME}(?: in database ${NAME})? (?:reset [A-Za-z_][\\w.$]*|set [A-Za-z_][\\w.$]* to ${TEXT}(?:, ${TEXT})*)`,
  `grant ${NAME} to ${NAME}(?: with (?:admin option|admin (?:true|false), inherit (?:true|false), set (?:true|false)))?(?: granted by ${NAME})?`,
  `revoke ${NAME} from ${NAME}(?: granted by ${NAME})?`,
  `comment on role ${NAME} is (?:null|${TEXT})`,
];
const STEP = new RegExp(`^(?:${FORMS.join('|')})$`);

/** One statement of exactly the forms above. */
export function isRoleStep(sql: string): boolean {
  return STEP.test(sql);
}

const SECRET = /(\bpassword )(?:E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*')/g;

/** A step, for people: a verifier is as good as a password to somebody who has time. */
export function withoutSecrets(step: string): string {
  return step.replaceAll(SECRET, "$1'***'");
}

const LITERAL =
  /(?<![A-Za-z0-9_$])E'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$/gi;

/** What somebody wrote: the word stands where it likes, and a password may come in pieces. */
export function withoutPassword(statement: string): string {
  return /\bpassword\b/i.test(statement) ? statement.replaceAll(LITERAL, "'***'") : statement;
}
