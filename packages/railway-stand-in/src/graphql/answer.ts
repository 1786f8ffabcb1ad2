/** One GraphQL request from its text to its answer: parse, validate, pick, run. */

import type { DefinitionNode } from './ast.ts';
import { Unfit } from './coerce.ts';
import { execute, type Problem, type RunRoot } from './execute.ts';
import type { Json, JsonObject } from './json.ts';
import { parse } from './parse.ts';
import type { Schema } from './schema.ts';
import { validate } from './validate.ts';

export interface GraphqlAnswer {
  /** 400: it was not run. What was run is answered with 200, errors or not. */
  readonly status: 200 | 400;
  readonly body: { readonly data?: Json; readonly errors?: readonly Problem[] };
}

export async function answer(
  schema: Schema,
  request: {
    readonly query: string;
    readonly variables: JsonObject;
    readonly operationName: string | null;
  },
  run: RunRoot,
): Promise<GraphqlAnswer> {
  let document: readonly DefinitionNode[];
  try {
    document = parse(request.query);
  } catch (error) {
    return notRun(error instanceof Error ? error.message : String(error), 'GRAPHQL_PARSE_FAILED');
  }
  try {
    const parts = validate(schema, document);
    const { operations } = parts;
    const found =
      request.operationName === null
        ? operations
        : operations.filter((one) => one.name === request.operationName);
    const [operation] = found;
    if (operation === undefined || found.length > 1) {
      return notRun('Which operation is meant is not clear.', 'OPERATION_RESOLUTION_FAILURE');
    }
    const { data, errors } = await execute(schema, parts, operation, request.variables, run);
    return { status: 200, body: errors.length > 0 ? { errors, data } : { data } };
  } catch (error) {
    if (error instanceof Unfit) return notRun(error.message, 'GRAPHQL_VALIDATION_FAILED');
    // Nested deeper than can be walked.
    if (error instanceof RangeError) return notRun(error.message, 'GRAPHQL_VALIDATION_FAILED');
    throw error;
  }
}

function notRun(message: string, code: string): GraphqlAnswer {
  return { status: 400, body: { errors: [{ message, extensions: { code } }] } };
}
