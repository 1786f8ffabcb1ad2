/**
 * Grants that somebody else than the owner gave, within a step of an undo (`holdfast.acl_sql` writes
 * `set local role r; grant ...; reset role`). There is no SET ROLE in a function of somebody else, where all
 * else of an undo runs, so these are told apart. A text is split where statements end and nowhere else: what
 * stands in a string, a name or a body is not read.
 */

/** A part of a step, in order; `role`: who gives, null: it is anything else. */
export interface StepPart {
  readonly sql: string;
  readonly role: string | null;
}

const NAME = '(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)';
const SET_ROLE = new RegExp(`^set local role (${NAME})$`);
const RIGHT = `[A-Z ]+(?:\\(${NAME}\\))?`;
/** To a role of an agent or of Holdfast nobody gave anything but `holdfast protect`. */
const GRANT = new RegExp(
  `^grant ${RIGHT} on (?:table|sequence|routine|schema|type|large object) (?:"(?:[^"]|"")+"|[^;"])+ to (?!"?(?:hf_|holdfast_))${NAME}(?: with grant option)?$`,
);
const PIECE =
  /(?<![A-Za-z0-9_$])[eE]'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![A-Za-z0-9_])\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|[\s\S]/g;

export function partsOfStep(sql: string): StepPart[] {
  if (!sql.includes('set local role ')) return [{ sql, role: null }];
  const statements = statementsOf(sql);
  const parts: StepPart[] = [];
  const others: string[] = [];
  const end = (): void => {
    const rest = others.splice(0).join('; ');
    if (rest.trim() !== '') parts.push({ sql: rest, role: null });
  };
  for (let at = 0; at < statements.length; at += 1) {
    const one = statements[at] ?? '';
    const role = SET_ROLE.exec(one.trim())?.[1];
    const grant = statements[at + 1]?.trim() ?? '';
    if (role === undefined || !GRANT.test(grant) || statements[at + 2]?.trim() !== 'reset role') {
      others.push(one);
      continue;
    }
    end();
    parts.push({ sql: grant, role });
    at += 2;
  }
  end();
  return parts;
}

function statementsOf(sql: string): string[] {
  const found: string[] = [];
  let current = '';
  for (const [piece] of sql.matchAll(PIECE)) {
    if (piece !== ';') current += piece;
    else {
      found.push(current);
      current = '';
    }
  }
  found.push(current);
  return found;
}
