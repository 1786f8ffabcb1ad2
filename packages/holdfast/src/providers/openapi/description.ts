/**
 * A user's OpenAPI 3 file as a table of operations. What the file says an operation is called is taken;
 * what it says an operation does is not: only the method tells, and the user's rules.
 *
 * - GET (and HEAD) reads, DELETE destroys, everything else is unknown until a rule says what it is.
 * - A rule for something that the file does not have, or a file that we cannot compare paths with, stops
 *   the start: a control that cannot enforce refuses to start.
 */
import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { EffectKind } from '../../model/effect.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import { API_DESCRIPTION_BYTES_MAX, YAML_ALIASES_MAX } from '../../model/limits.ts';
import type { Operation, OperationClass } from '../catalogue.ts';
import type { ApiDescription, ApiRule } from '../provider.ts';
import { type Entry, RestTable } from '../rest/table.ts';
import { type CredentialForm, credentialOf } from './credential.ts';

export interface Described {
  /** Of the first server; null: the file names none. */
  readonly origin: string | null;
  /** Before every path; '' when there is none. */
  readonly prefix: string;
  readonly table: RestTable<Operation>;
  readonly credential: CredentialForm;
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

const file = z.object({
  openapi: z.string().regex(/^3\./, 'OpenAPI 3'),
  servers: z.array(z.object({ url: z.string() })).optional(),
  security: z.array(z.record(z.string(), z.unknown())).optional(),
  paths: z.record(z.string().startsWith('/'), z.record(z.string(), z.unknown())),
  components: z
    .object({ securitySchemes: z.record(z.string(), z.unknown()).optional() })
    .optional(),
});

/** Throws HF_CONFIG_INVALID. */
export function describe(description: ApiDescription): Described {
  const fault = (expected: string, found: string): HoldfastError =>
    new HoldfastError('HF_CONFIG_INVALID', {
      expected: `${description.path} to have ${expected}`,
      found,
      hint: 'Correct the description of the API, or its rules in holdfast.yaml.',
    });
  const parsed = file.safeParse(valueOfText(description.text, fault));
  if (!parsed.success)
    throw fault('the shape of OpenAPI 3', z.prettifyError(parsed.error).slice(0, 300));
  const { components, paths, security, servers } = parsed.data;
  const { origin, prefix } = serverOf(servers?.[0]?.url ?? '', fault);
  const credential = credentialOf(components?.securitySchemes ?? {}, security ?? []);
  if (credential === null) {
    throw fault(
      'a security scheme that goes in a header',
      'none (bearer, apiKey in header, oauth2)',
    );
  }
  const entries = entriesOf(paths, kindsOf(description.rules, paths, fault), fault);
  try {
    return { origin, prefix, table: new RestTable(entries), credential };
  } catch (cause) {
    throw fault('paths that can be compared', messageOf(cause));
  }
}

type Fault = (expected: string, found: string) => HoldfastError;

function valueOfText(text: string, fault: Fault): unknown {
  const bytes = Buffer.byteLength(text);
  if (bytes > API_DESCRIPTION_BYTES_MAX) {
    throw fault(`at most ${API_DESCRIPTION_BYTES_MAX} bytes`, `${bytes}`);
  }
  // JSON is YAML too, and read alike: each key once.
  const document = parseDocument(text, { version: '1.2', uniqueKeys: true, prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw fault('YAML or JSON without errors', error.message.slice(0, 300));
  try {
    return document.toJS({ maxAliasCount: YAML_ALIASES_MAX });
  } catch (cause) {
    throw fault(`at most ${YAML_ALIASES_MAX} uses of aliases`, String(cause).slice(0, 300));
  }
}

function serverOf(url: string, fault: Fault): Pick<Described, 'origin' | 'prefix'> {
  if (/[{}]/.test(url)) throw fault('a first server without variables', url.slice(0, 100));
  const parsed = URL.parse(url, 'relative://');
  if (parsed === null) throw fault('a first server with a URL', url.slice(0, 100));
  const prefix = parsed.pathname.replace(/\/+$/, '');
  const isAbsolute = parsed.protocol === 'https:' || parsed.protocol === 'http:';
  return { origin: isAbsolute ? parsed.origin : null, prefix };
}

/** By `METHOD /template`: what the user says. Throws for what the file does not have. */
function kindsOf(
  rules: readonly ApiRule[],
  paths: z.infer<typeof file>['paths'],
  fault: Fault,
): ReadonlyMap<string, EffectKind> {
  const kinds = new Map<string, EffectKind>();
  for (const { call, kind } of rules) {
    const [method = '', template = ''] = call.split(' ');
    const item = Object.hasOwn(paths, template) ? paths[template] : undefined;
    if (item === undefined || !Object.hasOwn(item, method.toLowerCase())) {
      throw fault(`the operation ${call}, for which there is a rule`, 'none like it');
    }
    if (kinds.has(call)) throw fault(`one rule for ${call}`, 'two');
    kinds.set(call, kind);
  }
  return kinds;
}

const KIND_BY_METHOD: Readonly<Record<string, EffectKind>> = { GET: 'read', DELETE: 'destroy' };

const CLASS_OF: Readonly<Record<EffectKind, OperationClass>> = {
  read: 'reads',
  write: 'ordinary',
  destroy: 'destroys',
  reshape: 'interrupts',
  grant: 'grants',
  execute: 'runs',
  unknown: 'opaque',
};

function entriesOf(
  paths: z.infer<typeof file>['paths'],
  kinds: ReadonlyMap<string, EffectKind>,
  fault: Fault,
): readonly Entry<Operation>[] {
  const entries: Entry<Operation>[] = [];
  const seen = new Set<string>();
  for (const [template, item] of Object.entries(paths)) {
    const elsewhere = ['$ref', 'servers'].find((key) => Object.hasOwn(item, key));
    if (elsewhere !== undefined)
      throw fault(`${template} written out, on the first server`, elsewhere);
    for (const name of METHODS.filter((one) => Object.hasOwn(item, one))) {
      const said = z.object({ servers: z.unknown().optional() }).safeParse(item[name]);
      if (!said.success) throw fault(`an operation at ${name} ${template}`, typeof item[name]);
      if (said.data.servers !== undefined)
        throw fault(`${template} on the first server`, 'servers');
      const method = name.toUpperCase();
      const alike = `${method} ${template.replaceAll(/\{[^{}]*\}/g, '{}')}`;
      if (seen.has(alike)) throw fault(`one operation ${alike}`, 'two');
      seen.add(alike);
      entries.push({ method, template, operation: operationOf(method, template, kinds) });
    }
  }
  return entries;
}

function operationOf(
  method: string,
  template: string,
  kinds: ReadonlyMap<string, EffectKind>,
): Operation {
  const call = `${method} ${template}`;
  const said = kinds.get(call);
  const kind = said ?? KIND_BY_METHOD[method] ?? 'unknown';
  const names = [...template.matchAll(/\{([^{}]+)\}/g)].at(-1)?.[1] ?? null;
  const by = said === undefined ? 'by its method' : 'by a rule in holdfast.yaml';
  const does =
    kind === 'unknown' ? `calls ${call}, and no rule says what that does` : `calls ${call}, ${by}`;
  return { class: CLASS_OF[kind], type: 'other', names, does, hasInverse: false };
}
