/**
 * A subscription (GraphQL specification, section 6.2.3): the one field of its root gives events, and each
 * is answered like a request of its own.
 */
import { type GraphqlAnswer, notRun, type Prepared } from './answer.ts';
import { Unfit } from './coerce.ts';
import { type Answer, type Args, execute, Refusal } from './execute.ts';
import type { JsonObject } from './json.ts';
import type { Schema } from './schema.ts';

/** Begins to follow a field; the result ends it. A refusal is thrown. */
export type Follow = (field: string, args: Args, told: (event: Answer) => void) => () => void;

/** Calls `answered` for each event, until the result is called. Null: it did not begin. */
export async function subscribe(
  schema: Schema,
  { parts, operation }: Prepared,
  variables: JsonObject,
  {
    follow,
    answered,
  }: {
    readonly follow: Follow;
    readonly answered: (answer: GraphqlAnswer) => void;
  },
): Promise<(() => void) | null> {
  const asked: { readonly field: string; readonly args: Args }[] = [];
  try {
    await execute(schema, parts, operation, variables, (_kind, field, args) => {
      asked.push({ field, args });
      return [];
    });
    const [first] = asked;
    if (first === undefined || asked.length > 1) throw new Unfit('A subscription has one field.');
    let turn: Promise<void> = Promise.resolve();
    return follow(first.field, first.args, (event) => {
      turn = turn.then(async () => {
        const { data, errors } = await execute(schema, parts, operation, variables, () => event);
        answered({ status: 200, body: errors.length > 0 ? { errors, data } : { data } });
      });
    });
  } catch (error) {
    if (error instanceof Unfit) answered(notRun(error.message, 'GRAPHQL_VALIDATION_FAILED'));
    else if (error instanceof Refusal) answered(notRun(error.message, error.code));
    else throw error;
    return null;
  }
}
