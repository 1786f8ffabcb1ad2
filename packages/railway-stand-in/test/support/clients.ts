/** Real clients, by both ways in: pointed at the base URL, or at Railway's own host through the forward proxy. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GraphQLClient } from 'graphql-request';
import { ProxyAgent, fetch as undiciFetch } from 'undici';

export type WayIn =
  | { readonly kind: 'base'; readonly url: string }
  /** `authority`: the file of the certificate that a client must be told to trust. */
  | {
      readonly kind: 'proxy';
      readonly url: string;
      readonly proxy: string;
      readonly authority: string;
      readonly certificate: string;
    };

/** What it prints or throws, as its user reads it. */
export type Client = (way: WayIn, token: string, query: string) => Promise<string>;

const run = promisify(execFile);

const curl =
  (...more: readonly string[]): Client =>
  async (way, token, query) => {
    const through = way.kind === 'proxy' ? ['--proxy', way.proxy, '--cacert', way.authority] : [];
    const body = JSON.stringify({ query });
    const args = [
      ...['-sS', '-X', 'POST', way.url, ...through, ...more],
      ...['-H', `Authorization: Bearer ${token}`, '-d', body],
    ];
    return (await run('curl', args, { encoding: 'utf8' })).stdout;
  };

/** The `fetch` of Node is undici's. */
const fetchJson: Client = async (way, token, query) => {
  const dispatcher = agentOf(way);
  try {
    const response = await undiciFetch(way.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
      ...(dispatcher === null ? {} : { dispatcher }),
    });
    return await response.text();
  } finally {
    await dispatcher?.close();
  }
};

const graphqlRequest: Client = async (way, token, query) => {
  const dispatcher = agentOf(way);
  const headers = { authorization: `Bearer ${token}` };
  const client = new GraphQLClient(way.url, {
    headers,
    fetch: async (url, init) => {
      const { method, headers: all, body } = init ?? {};
      const response = await undiciFetch(String(url), {
        method: method ?? 'POST',
        headers: Object.fromEntries(new Headers(all).entries()),
        body: String(body),
        ...(dispatcher === null ? {} : { dispatcher }),
      });
      return new Response(await response.text(), {
        status: response.status,
        headers: Object.fromEntries(response.headers.entries()),
      });
    },
  });
  try {
    return JSON.stringify(await client.request(query));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await dispatcher?.close();
  }
};

const URLLIB = `
import json, ssl, sys, urllib.request
url, token, query, proxy, ca = sys.argv[1:6]
handlers = [urllib.request.ProxyHandler({"https": proxy} if proxy else {})]
if ca: handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)))
request = urllib.request.Request(url, data=json.dumps({"query": query}).encode(), headers={"Authorization": "Bearer " + token})
print(urllib.request.build_opener(*handlers).open(request).read().decode())`;

const urllib: Client = async (way, token, query) => {
  const [proxy, authority] = way.kind === 'proxy' ? [way.proxy, way.authority] : ['', ''];
  const args = ['-c', URLLIB, way.url, token, query, proxy, authority];
  return (await run('python3', args, { encoding: 'utf8' })).stdout;
};

/** `needs`: a program that npm does not bring. */
export const CLIENTS: readonly (readonly [name: string, client: Client, needs: string | null])[] = [
  ['curl', curl('--http1.1'), 'curl'],
  ['curl, with HTTP/2 where there is TLS', curl(), 'curl'],
  ['fetch', fetchJson, null],
  ['graphql-request', graphqlRequest, null],
  ['urllib of Python', urllib, 'python3'],
];

function agentOf(way: WayIn): ProxyAgent | null {
  if (way.kind === 'base') return null;
  return new ProxyAgent({ uri: way.proxy, requestTls: { ca: way.certificate } });
}
