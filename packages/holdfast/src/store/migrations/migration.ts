/** One step forward. Never edited once released: what is wrong is put right by the next step. */
export interface Migration {
  /** `NNNN-name`, as its file is called. */
  readonly name: string;
  /** Statements of one transaction; every object is named with its schema. */
  readonly sql: string;
}
