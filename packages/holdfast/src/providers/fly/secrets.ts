/**
 * Fields of Fly's GraphQL that hand out secrets: an agent that may only read could still carry these
 * away. By the name of the field, wherever it stands in a document.
 */
const FIELDS: ReadonlySet<string> = new Set([
  'addOnSsoLink',
  'authToken',
  'buildToken',
  'clientSecret',
  'connectionString',
  'environment',
  'extensionSsoLink',
  'instrumentsKey',
  'password',
  'publicUrl',
  'sealedToken',
  'ssoLink',
  'token',
  'tokenHeader',
  'vaultSecretPath',
]);

export function isSecretField(name: string): boolean {
  return FIELDS.has(name);
}
