/**
 * What is wrong although each value has the right shape: passwords in a file that is meant to be
 * committed, tokens over an open wire, and what the rest of the file has to say to a value. Looks at
 * the raw value, so that these are found in the same round as misspelt keys.
 */
import { nearest } from '../model/nearest.ts';
import type { Finding } from './finding.ts';
import { notifyFaults } from './notify-findings.ts';
import { recoveryFaults } from './recovery-findings.ts';
import { dotted } from './shape-findings.ts';
import { isLoopback, urlFault } from './upstream.ts';
import type { YamlPath, YamlText } from './yaml-text.ts';

export function wholeFindings(yaml: YamlText): Finding[] {
  const finding = (path: YamlPath, expected: string, found: string, hint: string): Finding => ({
    ...yaml.place(path, 'value'),
    path: dotted(path),
    expected,
    found,
    hint,
  });
  const findings: Finding[] = [];
  const targets = Object.keys(record(at(yaml.value, ['targets'])));
  for (const name of targets) {
    const path = ['targets', name, 'upstream', 'url'];
    const url = at(yaml.value, path);
    const fault = typeof url === 'string' ? urlFault(url) : null;
    if (fault !== null) findings.push(finding(path, fault.expected, fault.found, fault.hint));
  }
  const storeUrl = at(yaml.value, ['store', 'url']);
  if (typeof storeUrl === 'string') {
    findings.push(
      finding(
        ['store', 'url'],
        'where the URL lies',
        'a URL in the file itself, which is meant to be committed',
        'Write url: {env: DATABASE_URL}, or {file: PATH}.',
      ),
    );
  }
  const sealKey = record(at(yaml.value, ['seal', 'key']));
  if (sealKey['command'] !== undefined && sealKey['file'] !== undefined) {
    const hint = 'Remove one: the key has one place.';
    findings.push(finding(['seal', 'key'], 'one of command and file', 'both', hint));
  }
  for (const [name, one] of Object.entries(record(at(yaml.value, ['providers'])))) {
    const odd = oddKey(record(one));
    if (odd !== null) {
      const [key, expected] = odd;
      const hint = 'See docs/adding-a-provider.md for which keys go together.';
      findings.push(finding(['providers', name, key], expected, key, hint));
    }
    for (const { path, target } of databasesOf(name, one)) {
      if (targets.includes(target)) continue;
      const near = nearest(target, targets);
      const hint = near === null ? 'Declare it under targets.' : `Did you mean ${near}?`;
      findings.push(finding(path, 'a target of this file', target, hint));
    }
    const url = record(one)['url'];
    if (typeof url !== 'string' || !isClearElsewhere(url)) continue;
    findings.push(
      finding(
        ['providers', name, 'url'],
        'https, where it is not this machine',
        'http, which would send the credential in clear',
        'Leave url out; it is for a stand-in on this machine.',
      ),
    );
  }
  for (const { path, expected, found, hint } of recoveryFaults(yaml.value)) {
    findings.push(finding(path, expected, found, hint));
  }
  const dashboard = at(yaml.value, ['dashboard', 'url']);
  if (typeof dashboard === 'string' && isClearElsewhere(dashboard)) {
    findings.push(
      finding(
        ['dashboard', 'url'],
        'https, where it is not this machine',
        'http, over which codes and sessions could be read on the way, and no passkey works',
        'Put TLS before it (a reverse proxy), and say its https address.',
      ),
    );
  }
  const issuer = at(yaml.value, ['signIn', 'oidc', 'issuer']);
  if (typeof issuer === 'string' && isClearElsewhere(issuer)) {
    findings.push(
      finding(
        ['signIn', 'oidc', 'issuer'],
        'https, where it is not this machine',
        'http, over which anybody on the way could be anybody',
        'Use the https address of the identity provider.',
      ),
    );
  }
  const { refuseAfterDays, rotationDays = 30 } = record(at(yaml.value, ['credentials']));
  if (
    typeof refuseAfterDays === 'number' &&
    typeof rotationDays === 'number' &&
    refuseAfterDays < rotationDays
  ) {
    findings.push(
      finding(
        ['credentials', 'refuseAfterDays'],
        `rotationDays (${rotationDays}) or more`,
        String(refuseAfterDays),
        'What is refused has to be a finding before: lower rotationDays, or raise this.',
      ),
    );
  }
  for (const { path, expected, found, hint } of notifyFaults(at(yaml.value, ['notify']))) {
    findings.push(finding(path, expected, found, hint));
  }
  const listen = record(at(yaml.value, ['listen']));
  const host = listen['host'] ?? '127.0.0.1';
  const isOpenWire = listen['tls'] === 'off' && typeof host === 'string' && !isLoopback(host);
  if (listen['auth'] === 'token' && isOpenWire) {
    findings.push(
      finding(
        ['listen', 'auth'],
        'scram, where the wire is neither TLS nor loopback',
        'token, which sends the token in clear',
        'Use auth: scram, or tls: generated.',
      ),
    );
  }
  return findings;
}

/** A described API is one place; a known provider has many, and its own catalogue. */
function oddKey(
  provider: Readonly<Record<string, unknown>>,
): readonly [key: string, expected: string] | null {
  const has = (key: string): boolean => provider[key] !== undefined;
  if (has('openapi') && has('projects')) return ['projects', 'environment beside openapi'];
  if (has('openapi')) return null;
  if (has('environment')) return ['environment', 'projects, or openapi beside environment'];
  return has('rules') ? ['rules', 'rules only beside openapi'] : null;
}

/** What services hold, by the word of the file: each has to be a target that we reach. */
function* databasesOf(
  provider: string,
  value: unknown,
): Generator<{ readonly path: YamlPath; readonly target: string }> {
  for (const [project, environments] of Object.entries(record(record(value)['projects']))) {
    for (const [where, place] of Object.entries(record(environments))) {
      for (const [service, target] of Object.entries(record(record(place)['databases']))) {
        const path = ['providers', provider, 'projects', project, where, 'databases', service];
        if (typeof target === 'string') yield { path, target };
      }
    }
  }
}

function isClearElsewhere(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed?.protocol === 'http:' && !isLoopback(parsed.hostname);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, key) => {
    const fields = record(node);
    return Object.hasOwn(fields, key) ? fields[key] : undefined;
  }, value);
}
