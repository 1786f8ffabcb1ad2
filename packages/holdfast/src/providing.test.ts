import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseConfig } from './config/load-config.ts';
import type { Provider } from './providers/provider.ts';
import { providersOf } from './providing.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { restRequest } from './testing/provider-requests.ts';
import { scratchFolder } from './testing/scratch-folder.ts';

const folder = scratchFolder('wiring');
const API = `{ openapi: 3.1.0, servers: [{ url: "https://api.example.com" }],
  components: { securitySchemes: { b: { type: http, scheme: bearer } } },
  paths: { "/a": { get: {}, post: {}, delete: {} } } }`;
writeFileSync(join(folder, 'api.yaml'), API);
writeFileSync(join(folder, 'fly.yaml'), API.replace('api.example.com', 'api.fly.io'));
writeFileSync(join(folder, 'broken.yaml'), '{');

function providers(yaml: string): ReadonlyMap<string, Provider> {
  const config = parseConfig({ text: yaml, name: 'holdfast.yaml', folder }, {});
  return providersOf(config, {
    env: {},
    clock: new ManualClock(),
    sql: {
      read: () => {
        throw new Error('no SQL here');
      },
    },
    secretOf: async () => 's',
  });
}

it('makes the providers that are declared, a described one under the name that it is given', async () => {
  const made = providers(`
environments: { prod: { level: sealed } }
providers:
  railway: {}
  neon: {}
  supabase: {}
  fly: {}
  my_api:
    openapi: api.yaml
    environment: prod
    rules: [{ call: POST /a, is: write }]
`);
  expect([...made.keys()]).toEqual(['railway', 'neon', 'supabase', 'fly', 'my_api']);
  for (const [name, provider] of made) expect(provider.name).toBe(name);
  const act = await made.get('my_api')?.read(restRequest('POST /a'));
  expect(act?.reading.effects.map(({ kind }) => kind)).toEqual(['write']);
  expect(act?.place.asked).toBe('my_api');
  expect(act?.reaches.map(({ environment }) => environment)).toEqual(['prod']);
});

it.each([
  ['a provider that nobody knows', 'heroku: {}', 'openapi: PATH'],
  ['a file for a provider that we know', 'neon: { openapi: api.yaml }', 'neon with openapi'],
  ['a file that is not there', 'a: { openapi: none.yaml }', 'none.yaml'],
  ['a file that is broken', 'a: { openapi: broken.yaml }', 'broken.yaml'],
  [
    'a rule for what is not there',
    'a: { openapi: api.yaml, rules: [{ call: PUT /a, is: read }] }',
    'PUT /a',
  ],
  [
    'two providers for one host',
    'fly: {}\n  a: { openapi: fly.yaml }',
    'one provider for api.fly.io',
  ],
])('does not start with %s', (_story, yaml, words) => {
  expect(() => providers(`providers:\n  ${yaml}\n`)).toThrow(words);
});
