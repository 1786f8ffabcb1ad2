/** Which of PostgreSQL's regression files are run, in the order of its own schedule. */
export const CHOSEN = new Set(
  (
    'test_setup boolean char name varchar text int2 int4 int8 bit uuid enum strings date ' +
    'timestamp inet create_type create_table copy copydml insert insert_conflict ' +
    'create_index create_view index_including create_aggregate create_cast constraints ' +
    'triggers select inherit vacuum drop_if_exists updatable_views errors select_into ' +
    'select_distinct select_implicit select_having subselect union case join transactions ' +
    'random portals update delete namespace prepared_xacts gin gist matview lock ' +
    'rowsecurity object_address groupingsets generated merge misc_functions sysviews ' +
    'tsearch tsdicts window xmlmap advisory_lock json jsonpath plancache limit plpgsql ' +
    'copy2 temp domain rangefuncs prepare conversion truncate alter_table sequence ' +
    'polymorphism rowtypes returning largeobject with xml partition_join identity ' +
    'tablesample guc equivclass rules create_procedure create_function_sql alter_generic ' +
    'cluster dependency'
  ).split(' '),
);

/** Left out even when all are asked for: each with its reason. */
export const LEFT_OUT = new Set([
  // Needs the compiled test library for nearly every statement.
  'create_function_c',
  // Writes a tablespace folder beside the server.
  'tablespace',
  // Turns on timeouts and parallel workers for minutes.
  'select_parallel',
  'write_parallel',
]);
