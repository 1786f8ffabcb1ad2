/**
 * The OpenAPI 3.1 document, made out of the routes themselves (contract/): what is enforced is what is
 * described. `docs/openapi.json` is this, and a test keeps it so.
 */
import { z } from 'zod';
import { isPermission, PERMISSIONS } from '../identity/roles.ts';
import { ERRORS } from '../model/errors.ts';
import { type Access, NOTHING, type Route } from './contract/route.ts';
import { PAGE_HEADER } from './who.ts';

type Json = Readonly<Record<string, unknown>>;

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457; `code` is a row of docs/errors.md.',
  required: ['type', 'title', 'status', 'code', 'expected', 'found', 'hint'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(ERRORS).sort() },
    expected: { type: 'string' },
    found: { type: 'string' },
    hint: { type: 'string' },
  },
} as const;

const RATE_HEADERS = {
  'ratelimit-limit': { schema: { type: 'integer' } },
  'ratelimit-remaining': { schema: { type: 'integer' } },
  'ratelimit-reset': { description: 'Seconds.', schema: { type: 'integer' } },
} as const;

export function openApiOf(routes: Readonly<Record<string, Route>>): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, route] of Object.entries(routes)) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(name, route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version: '1',
      description:
        'Hard controls between AI agents and production data. Errors are application/problem+json; ' +
        'lists are pages with a cursor; see docs/api.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      schemas: { Problem: PROBLEM },
      responses: {
        Problem: {
          description: 'It was not done, and why.',
          headers: RATE_HEADERS,
          content: { 'application/problem+json': { schema: ref('schemas/Problem') } },
        },
      },
      securitySchemes: {
        browser: {
          type: 'apiKey',
          in: 'cookie',
          name: 'holdfast',
          description:
            'A session and its device, each a cookie of its own; over HTTPS with the prefix __Host-.',
        },
        page: {
          type: 'apiKey',
          in: 'header',
          name: PAGE_HEADER,
          description:
            'Beside the cookies, always: `page` of the answer that opened the session (hfp_…).',
        },
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'A session of the command line (hfs_…), or the token of an agent.',
        },
      },
    },
  };
}

function operationOf(name: string, route: Route): Json {
  const { access, body, method, params, query, summary } = route;
  const isKeyed = method === 'POST' && access !== 'anyone';
  const parameters = [
    ...parametersOf(params, 'path'),
    ...parametersOf(query, 'query'),
    ...(isKeyed ? [IDEMPOTENCY_KEY] : []),
    ...(route.stream === 'text/event-stream' ? [LAST_EVENT_ID] : []),
  ];
  return {
    operationId: name,
    summary,
    description: accessWords(access),
    tags: [name.split('.')[0] ?? name],
    'x-holdfast-access': access,
    security: access === 'anyone' ? [{}] : [{ browser: [], page: [] }, { bearer: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === NOTHING
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(body, 'input') } },
          },
        }),
    responses: {
      200: {
        description: route.stream === null ? 'Done.' : 'Piece by piece.',
        headers: RATE_HEADERS,
        content: contentOf(route),
      },
      default: ref('responses/Problem'),
    },
  };
}

function contentOf({ answer, fileTypes, stream }: Route): Json {
  if (stream === null) return { 'application/json': { schema: schemaOf(answer, 'output') } };
  if (stream === 'text/event-stream') {
    const data = schemaOf(answer, 'output');
    return { [stream]: { schema: { type: 'string' }, 'x-holdfast-data': data } };
  }
  const types: readonly string[] = stream === 'file' ? fileTypes : [stream];
  return Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }]));
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same request sent again under the same key is done once.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
} as const;

const LAST_EVENT_ID = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description: 'Of the last event that came through: it goes on from there.',
  schema: { type: 'string', maxLength: 32 },
} as const;

function parametersOf(schema: z.ZodType, where: 'path' | 'query'): Json[] {
  const { properties, required } = objectOf(schemaOf(schema, 'input'));
  return Object.entries(properties).map(([name, one]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: one,
  }));
}

function objectOf(schema: Json): {
  readonly properties: Json;
  readonly required: readonly unknown[];
} {
  const { properties, required } = schema;
  return {
    properties:
      typeof properties === 'object' && properties !== null
        ? Object.fromEntries(Object.entries(properties))
        : {},
    required: Array.isArray(required) ? required : [],
  };
}

/** JSON Schema 2020-12, which OpenAPI 3.1 takes as it is. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema, zodSchema }) => {
      // In a query everything is text; what it is coerced to is what is meant.
      if (io === 'input' && zodSchema._zod.def.type === 'number') jsonSchema.type ??= 'integer';
    },
  });
  return rest;
}

function accessWords(access: Access): string {
  if (access === 'anyone') return 'For anyone.';
  if (access === 'signed-in') return 'For every person who is signed in.';
  if (access === 'agent') return 'For an agent, about itself; and for whoever may see holds.';
  const { roles, words } = isPermission(access) ? PERMISSIONS[access] : { roles: [], words: '' };
  return `For who may ${words}: ${roles.join(', ')}.`;
}

function ref(place: string): Json {
  return { $ref: `#/components/${place}` };
}
