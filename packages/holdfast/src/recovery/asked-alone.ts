/**
 * A SELECT of a user as part of a statement of ours: so the server takes one statement only, and none that
 * writes or that ends the transaction. That holds where the statement has a parameter, or stands inside of a
 * function; a statement of neither kind may be several.
 */

/** With a parameter: asked with the values `[true]`. */
export function askedAlone(sql: string, rowsMax: number): string {
  return `${asPart(sql)} where $1::boolean limit ${rowsMax}`;
}

/** Inside of a function, where no parameters are. */
export function askedInside(sql: string, rowsMax: number): string {
  return `${asPart(sql)} limit ${rowsMax}`;
}

function asPart(sql: string): string {
  return `select a.* from (\n${sql.trim().replace(/;$/, '')}\n) as a`;
}
