/**
 * What hands out secrets: an agent that may only read could still carry these away. By the name of the
 * field, wherever it stands in a document, since most objects lead to each other.
 */
import type { GraphqlField } from '../../languages/graphql/graphql-reading.ts';

const FIELDS: ReadonlyMap<string, string> = new Map([
  ['variables', 'the values of variables'],
  ['variablesForServiceDeployment', 'the values of variables'],
  ['bucketS3Credentials', 'the credentials of a bucket'],
  ['recoveryCodes', 'recovery codes'],
  ['projectInviteCode', 'a link that lets people in'],
  ['serializedConfig', 'a configuration with values of variables'],
  ['renderedVariables', 'the values of variables'],
]);

/** Null: none. Else what it hands out. */
export function secretOf(field: GraphqlField): string | null {
  const named = FIELDS.get(field.name);
  if (named !== undefined) return named;
  const { decryptVariables } = field.args;
  return decryptVariables === undefined || decryptVariables === false
    ? null
    : 'the values of variables';
}
