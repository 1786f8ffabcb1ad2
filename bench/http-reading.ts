/**
 * What it takes to say what a request would do, as the Railway provider is asked: one that was seen before
 * with other variables, one whose document nobody has seen, and a bomb. In this process, without a wire.
 */

import { systemClock } from '#holdfast/model/clock.js';
import type { ProviderRequest } from '#holdfast/providers/provider.js';
import { RailwayProvider } from '#holdfast/providers/railway/provider.js';
import { BODY, COUNTER, PROJECT } from './http-words.ts';
import { median } from './report.ts';

export interface ReadingResult {
  /** The same bytes again. */
  readonly equalUs: number;
  /** The same document, other variables. */
  readonly cachedUs: number;
  /** A document of 2 kB that was not seen before. */
  readonly newDocumentUs: number;
  readonly newDocumentBytes: number;
  /** 20,000 aliases in one document, each text seen for the first time. */
  readonly bombMs: number;
  readonly bombBytes: number;
  readonly bombVerdict: string;
}

const ALIASES = 20_000;

export async function measureReading(upstreamPort: number, times: number): Promise<ReadingResult> {
  const provider = new RailwayProvider({
    origin: `http://127.0.0.1:${upstreamPort}`,
    clock: systemClock,
    kind: 'account',
    secret: async () => 'none',
    placeOf: (project) =>
      project === PROJECT.name
        ? { target: 'railway/bench/staging', environment: 'staging', strictness: 1 }
        : null,
    databaseOf: async () => null,
    sql: { read: () => Promise.reject(new Error('no SQL in this bench')) },
    description: null,
  });
  const read = async (body: string): Promise<string> => {
    const { reading } = await provider.read(requestOf(Buffer.from(body)));
    return reading.kind === 'understood' ? reading.kind : reading.reason.code;
  };
  const us = async (
    what: string,
    count: number,
    bodyOf: (at: number) => string,
  ): Promise<number> => {
    const bodies = Array.from({ length: count }, (_one, at) => requestOf(Buffer.from(bodyOf(at))));
    const samples: number[] = [];
    for (const body of bodies) {
      const started = performance.now();
      const { reading } = await provider.read(body);
      samples.push((performance.now() - started) * 1_000);
      if (reading.kind !== 'understood') throw new Error(`${what} was not read.`);
    }
    return median(samples);
  };
  await read(BODY);
  const equalUs = await us('an equal one', times, () => BODY);
  const cachedUs = await us('a cached one', times, (at) =>
    BODY.replace(COUNTER, String(at + 1).padStart(COUNTER.length, '0')),
  );
  const newDocumentUs = await us('a new one', times, newDocument);
  const bombs: number[] = [];
  let bombVerdict = '';
  for (let at = 0; at < Math.min(times, 50); at += 1) {
    const body = bomb(at);
    const started = performance.now();
    bombVerdict = await read(body);
    bombs.push(performance.now() - started);
    if (bombVerdict === 'understood') throw new Error('A bomb was read.');
  }
  return {
    equalUs,
    cachedUs,
    newDocumentUs,
    newDocumentBytes: newDocument(0).length,
    bombMs: median(bombs),
    bombBytes: bomb(0).length,
    bombVerdict,
  };
}

function requestOf(body: Buffer): ProviderRequest {
  return { method: 'POST', path: '/graphql/v2', search: '', mediaType: 'application/json', body };
}

/** About 2 kB: the query of the bench, and a page of fields of a project. */
function newDocument(at: number): string {
  const environment = `environment(id: "${at}") { id name createdAt updatedAt isEphemeral unmergedChangesCount }`;
  const fields = Array.from(
    { length: 22 },
    (_one, field) =>
      `part${field}: services(first: ${field}) { edges { node { id name icon createdAt projectId } } }`,
  );
  const query = `query page${at} { project(id: "${PROJECT.id}") { id name ${fields.join('\n')} } ${environment} }`;
  return JSON.stringify({ query, variables: {}, operationName: `page${at}` });
}

function bomb(at: number): string {
  const aliases = Array.from({ length: ALIASES }, (_one, alias) => `a${alias}:id`);
  return JSON.stringify({ query: `query bomb${at} { ${aliases.join(' ')} }` });
}
