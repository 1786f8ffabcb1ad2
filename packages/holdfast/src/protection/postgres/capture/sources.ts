/**
 * The text of a table's own trigger functions: static SQL over its columns, so that the plans are kept
 * and nothing is looked up per row. Generated in the target, because it is the target that knows when
 * a table changes.
 *
 * What a shape's rows need of the session (how dates, floats and money are written) is pinned on the
 * function, and only where some column is kept as text.
 */
import type { SqlFunction } from './sql-function.ts';

/**
 * Types of other schemas are written by their own output function: a cast to text could be anybody's.
 * IS DISTINCT FROM, because a row of nulls IS NULL. A virtual column is not kept: it follows from the
 * others, and to compute it here could fail where the statement does not.
 */
const keptValue: SqlFunction = {
  name: 'holdfast.kept_value',
  parameters: 'col jsonb, source text',
  returns: 'text',
  volatility: 'immutable',
  body: `
declare
  value text := source || '.' || quote_ident(col ->> 'name');
begin
  if col ->> 'generated' = 'v' then return 'null'; end if;
  if col ->> 'kept' = col ->> 'type' then return value; end if;
  if col ->> 'kept' = 'text' then
    return format('case when %1$s is distinct from null then pg_catalog.format(''%%s'', %1$s) end', value);
  end if;
  return format('%s::%s', value, col ->> 'kept');
end`,
};

/**
 * An INSERT of what `record` holds: the rows of a FROM the caller adds, or by row the record itself. `n` once
 * paired the two sides of an updated row; nothing reads it, and to number rows costs, so it is 0.
 */
const keepRows: SqlFunction = {
  name: 'holdfast.keep_rows',
  parameters: 'shape holdfast.shapes, by_row boolean, record text, side text, seq text',
  returns: 'text',
  volatility: 'stable',
  body: `
declare
  names text := 'whole';
  kept text := format('pg_catalog.format(''%%s'', %s)', case when by_row then record else record || '.*' end);
begin
  if not shape.whole then
    select string_agg('c' || (c.value ->> 'attnum'), ', ' order by c.place),
           string_agg(holdfast.kept_value(c.value, record), ', ' order by c.place)
      into names, kept
      from jsonb_array_elements(shape.columns) with ordinality as c(value, place);
  end if;
  return concat_ws(' ', format('insert into holdfast.c%s (%s)', shape.shape_id, concat_ws(', ', 'seq, n, side', names)),
    'select', concat_ws(', ', seq, '0', format('%L::pg_catalog."char"', side), kept));
end`,
};

/**
 * Exempt roles are let out here and not by a condition of the trigger: that is read from its text and
 * compiled again for every statement, which costs more than to call the function. Who is exempt is a
 * part of the text, so that the check finds a function that says otherwise.
 */
const exemption: SqlFunction = {
  name: 'holdfast.exemption',
  parameters: '',
  returns: 'text',
  volatility: 'stable',
  body: `
declare
  roles name[] := holdfast.exempt_roles();
begin
  if cardinality(roles) = 0 then return ''; end if;
  return format('if session_user operator(pg_catalog.=) any (%L::pg_catalog.name[]) then return null; end if;',
    roles::text);
end`,
};

/**
 * Transition tables see every way of changing rows, cascades included, and no policy hides rows from
 * them. A statement that touches nothing writes nothing; the number it took is left out. The two sides of
 * an UPDATE are as many, except that a row moved to another partition may be taken away there by a
 * trigger: then they are a delete and an insert.
 *
 * No path is pinned on it (`wanted_settings`), so each operator, type and function is named with its schema;
 * a transition table comes before every table of its name.
 *
 * The number is a variable under a label of its own: unqualified, it would be ambiguous with a column of
 * that name; asked for in each INSERT, it costs as much as the row.
 */
const captureSource: SqlFunction = {
  name: 'holdfast.capture_source',
  parameters: 'shape holdfast.shapes, by_row boolean',
  returns: 'text',
  volatility: 'stable',
  body: `
declare
  old_source constant text := case when by_row then '' else ' from old_rows o' end;
  new_source constant text := case when by_row then '' else ' from new_rows o' end;
  old_record constant text := case when by_row then 'old' else 'o' end;
  new_record constant text := case when by_row then 'new' else 'o' end;
  note constant text := format('insert into holdfast.journal (seq, shape_id, op, rows) values (this.place, %s, ', shape.shape_id);
begin
  return format($body$
<<this>>
declare place bigint; former bigint; kept bigint; added bigint;
begin
  %1$s
  place := pg_catalog.nextval('holdfast.seq');
  if tg_op operator(pg_catalog.=) 'UPDATE' then
    %3$s;
    get diagnostics kept = row_count;
    if kept operator(pg_catalog.>) 0 then
      %2$s;
      get diagnostics added = row_count;
      if added operator(pg_catalog.=) kept then
        %5$s'U', kept);
      else
        %5$s'D', kept);
        if added operator(pg_catalog.>) 0 then
          former := place;
          place := pg_catalog.nextval('holdfast.seq');
          update holdfast.c%4$s set seq = this.place
            where seq operator(pg_catalog.=) this.former and side operator(pg_catalog.=) '+';
          %5$s'I', added);
        end if;
      end if;
    %6$send if;
  elsif tg_op operator(pg_catalog.=) 'INSERT' then
    %2$s;
    get diagnostics added = row_count;
    if added operator(pg_catalog.>) 0 then %5$s'I', added); end if;
  else
    %3$s;
    get diagnostics kept = row_count;
    if kept operator(pg_catalog.>) 0 then %5$s'D', kept); end if;
  end if;
  return null;
end $body$,
    holdfast.exemption(),
    holdfast.keep_rows(shape, by_row, new_record, '+', 'this.place') || new_source,
    holdfast.keep_rows(shape, by_row, old_record, '-', 'this.place') || old_source,
    shape.shape_id, note,
    case when by_row then '' else 'elsif exists (select from new_rows) then
      raise exception ''holdfast: rows after an UPDATE of %, and none before'', tg_relid::pg_catalog.regclass;
    ' end);
end`,
};

/**
 * TRUNCATE shows no rows: they are copied first, by the table's present name. It empties the table of
 * rows that an older snapshot cannot see, so it is refused where the transaction holds one.
 * row_security is off on this function: a policy that would hide rows makes it fail.
 */
const truncateSource: SqlFunction = {
  name: 'holdfast.truncate_source',
  parameters: 'shape holdfast.shapes',
  returns: 'text',
  volatility: 'stable',
  body: `
begin
  return format($body$
declare place bigint; kept bigint;
begin
  %3$s
  if pg_catalog.current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    raise exception 'holdfast: TRUNCATE of %% in a transaction that is %%: rows it cannot see would be lost',
        tg_relid::regclass, pg_catalog.upper(pg_catalog.current_setting('transaction_isolation'))
      using errcode = 'feature_not_supported',
        hint = 'Run it in a transaction of isolation level READ COMMITTED.';
  end if;
  place := pg_catalog.nextval('holdfast.seq');
  execute %1$L || tg_relid::regclass::text || ' o' using place;
  get diagnostics kept = row_count;
  if kept > 0 then
    insert into holdfast.journal (seq, shape_id, op, rows) values (place, %2$s, 'T', kept);
  end if;
  return null;
end $body$,
    holdfast.keep_rows(shape, false, 'o', '-', '$1') || ' from only ',
    shape.shape_id, holdfast.exemption());
end`,
};

export const SOURCES: readonly SqlFunction[] = [
  keptValue,
  keepRows,
  exemption,
  captureSource,
  truncateSource,
];
