/** A REST request as people and the trail see it, and as the digest holds it: all that was sent. */
import type { ProviderRequest } from '../provider.ts';

export function textOf({ method, path, search, body }: ProviderRequest): Buffer {
  const line = Buffer.from(`${method} ${path}${search}`);
  return body.length === 0 ? line : Buffer.concat([line, Buffer.from('\n'), body]);
}
