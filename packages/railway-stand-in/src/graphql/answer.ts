/** One GraphQL request from its text to its answer: parse, validate, pick, run. */

import type { DefinitionNode, OperationNode, Parts } from './ast.ts';
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

export interface Prepared {
  readonly parts: Parts;
  readonly operation: OperationNode;
}

export interface GraphqlRequest {
  readonly query: string;
  readonly variables: JsonObject;
  readonly operationName: string | null;
}

export async function answer(
  schema: Schema,
  request: GraphqlRequest,
  run: RunRoot,
): Promise<GraphqlAnswer> {
  const prepared = prepare(schema, request);
  if ('status' in prepared) return prepared;
  const { parts, operation } = prepared;
  if (operation.operation === 'subscription') {
    return notRun('A subscription comes by WebSocket.', 'BAD_REQUEST');
  }
  try {
    const { data, errors } = await execute(schema, parts, operation, request.variables, run);
    return { status: 200, body: errors.length > 0 ? { errors, data } : { data } };
  } catch (error) {
    return unfit(error);
  }
}

/** Parsed, validated, and its operation picked; or why not. */
export function prepare(schema: Schema, request: GraphqlRequest): Prepared | GraphqlAnswer {
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
    return { parts, operation };
  } catch (error) {
    return unfit(error);
  }
}

function unfit(error: unknown): GraphqlAnswer {
  // A RangeError: nested deeper than can be walked.
  if (!(error instanceof Unfit) && !(error instanceof RangeError)) throw error;
  return notRun(error.message, 'GRAPHQL_VALIDATION_FAILED');
}

export function notRun(message: string, code: string): GraphqlAnswer {
  return { status: 400, body: { errors: [{ message, extensions: { code } }] } };
}
