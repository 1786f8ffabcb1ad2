/**
 * A SELECT of a user as part of a statement of ours, with a parameter: so the server takes one statement
 * only, and none that writes or that ends the transaction. Asked with the values `[true]`.
 */
export function askedAlone(sql: string, rowsMax: number): string {
  return `select a.* from (\n${sql.trim().replace(/;$/, '')}\n) as a where $1::boolean limit ${rowsMax}`;
}
