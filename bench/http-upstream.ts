/**
 * The API behind the proxies of `npm run bench:http`, in a process of its own: a bare node:http server that
 * answers every request with one small GraphQL answer, and Holdfast's own questions for what there is
 * with one project of one environment. It looks at nothing else; neither peer is charged for it.
 *
 *     node http-upstream.js PORT
 */
import { createServer } from 'node:http';
import { ANSWER, ENVIRONMENT_ID, PROJECT, SERVICE_ID } from './http-words.ts';

const service = { node: { id: SERVICE_ID, name: 'web' } };
const environment = {
  id: ENVIRONMENT_ID,
  name: PROJECT.environment,
  deletedAt: null,
  serviceInstances: {
    edges: [{ node: { serviceId: SERVICE_ID, serviceName: 'web', domains: null } }],
  },
  volumeInstances: { edges: [], pageInfo: { hasNextPage: false } },
};
const project = {
  id: PROJECT.id,
  name: PROJECT.name,
  workspaceId: null,
  buckets: { edges: [] },
  services: { edges: [service] },
  environments: { edges: [{ node: environment }] },
};
const projects = {
  edges: [{ node: { id: PROJECT.id, name: PROJECT.name } }],
  pageInfo: { hasNextPage: false },
};
const PROJECTS_ANSWER = JSON.stringify({ data: { projects } });
const PROJECT_ANSWER = JSON.stringify({ data: { project } });

function answerTo(body: string): string {
  if (!body.includes('query Holdfast')) return ANSWER;
  return body.includes('HoldfastProjects') ? PROJECTS_ANSWER : PROJECT_ANSWER;
}

const server = createServer({ keepAliveTimeout: 600_000, noDelay: true }, (request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString('latin1');
  });
  request.on('end', () => {
    const answer = answerTo(body);
    response.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(answer),
    });
    response.end(answer);
  });
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1');
process.once('SIGINT', () => process.exit(0));
