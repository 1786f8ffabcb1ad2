/** A function of ours in a target: owned by holdfast_owner, path pinned, nobody else may call it. */
import { OWNER_ROLE } from '../layout.ts';

export interface SqlFunction {
  /** With its schema: `holdfast.attach`. */
  readonly name: string;
  readonly parameters: string;
  readonly returns: string;
  readonly volatility?: 'stable' | 'immutable';
  readonly language?: 'plpgsql' | 'sql';
  readonly body: string;
}

export function sqlFunction(wanted: SqlFunction): string {
  const { name, parameters, returns, volatility, language, body } = wanted;
  const types = parameters
    .split(',')
    .map((parameter) => parameter.trim().split(/\s+/).slice(1).join(' '))
    .join(', ');
  return `create or replace function ${name}(${parameters}) returns ${returns}
language ${language ?? 'plpgsql'} ${volatility ?? 'volatile'} security definer
set search_path = pg_catalog, pg_temp as $holdfast$
${body.trim()}
$holdfast$;
alter function ${name}(${types}) owner to ${OWNER_ROLE};
revoke all on function ${name}(${types}) from public;`;
}
