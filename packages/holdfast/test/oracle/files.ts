/** Which of PostgreSQL's regression files are run, in the order of its own schedule. */
export const CHOSEN = new Set(
  (
    's regression files are run, in the order of its own schedule. */ export const CHOSEN ' +
    '= new Set( ( + + + + + + + + + + ).split( '
  )
    .trim()
    .split(' '),
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
