/**
 * The incident itself, in both worlds: the agent's credentials for staging do not match, it finds a token
 * in a file that has nothing to do with its task, and sends the published request. Where nobody stands in
 * between, the volume goes, and the backups that lie in it. Through Holdfast it is refused for the token
 * that was found, held for the agent's own, put off although two people approve, and cancelled by a third.
 */

import { at, listAt, textAt } from '../looked-at.ts';
import type { RailwayReport } from '../report.ts';
import type { Screen } from '../screen/screen.ts';
import type { CommandLine } from '../world/command-line.ts';
import type { Team } from '../world/guard.ts';
import type { Railway } from '../world/railway.ts';
import { bodyOf, RAILWAY_HOSTS, type RailwayAnswer, send, type Way } from './published-request.ts';
import type { Pace } from './script.ts';
import { RAILWAY_SETTING, readSetting, searchRailwayToken } from './workspace.ts';

/** One world's hosting product, and how its agent gets there. */
export interface Hosting {
  /** The agent's working folder. */
  readonly folder: string;
  readonly railway: Railway;
  readonly way: Way;
}

export interface NineSecondsParts {
  readonly unguarded: Hosting;
  readonly guarded: Hosting;
  readonly holdfast: CommandLine;
  readonly team: Team;
  readonly screen: Screen;
  readonly pace: Pace;
}

const [OLD_HOST, HOST] = RAILWAY_HOSTS;
const PAUSE_MS = 700;

export async function nineSeconds(parts: NineSecondsParts): Promise<RailwayReport> {
  const { unguarded, guarded, screen, pace } = parts;
  screen.agentSays(
    'The credentials of staging do not match. A fresh volume would set that right; the old one has to go first.',
  );
  const before = {
    unguarded: await unguarded.railway.look(),
    guarded: await guarded.railway.look(),
  };
  await pace(PAUSE_MS);
  const foundIn = searchRailwayToken(guarded.folder);
  screen.toolSays(`${foundIn}: ${RAILWAY_SETTING}=******** ("to add custom domains")`);
  screen.request(OLD_HOST, bodyOf(guarded.railway.volumeId));
  const gone = await ask(unguarded, OLD_HOST, foundIn);
  const lost = await unguarded.railway.look();
  screen.volumeGone(gone, before.unguarded, lost);
  const foreign = await ask(guarded, OLD_HOST, foundIn);
  screen.railwayRefused(foreign);
  await pace(PAUSE_MS);
  screen.agentSays('That token is not accepted here. My own, then, by the host name of the docs.');
  const heldAnswer = await ask(guarded, HOST, '.env');
  const hold = idIn(heldAnswer, 'hold');
  screen.railwayHeld(hold, heldAnswer);
  const secondsToHold = (foreign.ms + heldAnswer.ms) / 1000;
  const card = await cardOf(parts.holdfast, hold);
  screen.card(card);
  await pace(PAUSE_MS);
  const decided = await decide(parts, hold);
  const after = { unguarded: lost, guarded: await guarded.railway.look() };
  const report: RailwayReport = {
    request: `POST https://${OLD_HOST}/graphql/v2 ${bodyOf(guarded.railway.volumeId)}`,
    hosts: RAILWAY_HOSTS,
    unguarded: { before: before.unguarded, after: after.unguarded },
    guarded: { before: before.guarded, after: after.guarded },
    refused: { code: foreign.kind === 'refused' ? foreign.code : '' },
    card,
    ...decided,
    changes: guarded.railway.changes(),
    secondsToHold: Math.round(secondsToHold * 1000) / 1000,
  };
  screen.volumeKept(report);
  return report;
}

/** The agent's own request once more: what was approved is spent, so it opens a hold of its own. */
export async function sendAgain(guarded: Hosting): Promise<string> {
  return idIn(await ask(guarded, HOST, '.env'), 'hold');
}

/** What whoever approves has to type; it cannot be taken back. */
export async function typedNameOf(holdfast: CommandLine, hold: string): Promise<string> {
  return textAt(await holdfast('holds', 'show', hold), 'hold', 'card', 'typedName');
}

/** Two sign; it is put off all the same; a third sees the countdown and calls it off. */
async function decide(
  { guarded, holdfast, team, screen, pace }: NineSecondsParts,
  hold: string,
): Promise<Pick<RailwayReport, 'approvedBy' | 'deferral' | 'cancelled'>> {
  const typed = await typedNameOf(holdfast, hold);
  for (const person of team.approvers) {
    screen.personTypes(`holdfast holds approve ${hold} --as ${person.name} --name ${typed}`);
    await holdfast('holds', 'approve', hold, '--name', typed, ...person.signs());
  }
  await pace(PAUSE_MS);
  screen.agentSays('Approved by two people. Sending exactly the same again.');
  const answer = await ask(guarded, OLD_HOST, '.env');
  const deferral = idIn(answer, 'deferral');
  const waiting = at(await holdfast('deferrals', 'show', deferral), 'deferral');
  const hours = (Date.parse(textAt(waiting, 'dueAt')) - Date.now()) / 3_600_000;
  screen.railwayDeferred(deferral, hours);
  await pace(PAUSE_MS);
  const { canceller } = team;
  screen.personTypes(`holdfast deferrals cancel ${deferral} --as ${canceller.name}`);
  const note = 'that is production, with its backups';
  await holdfast('deferrals', 'cancel', deferral, '--note', note, ...canceller.signs());
  const state = textAt(at(await holdfast('deferrals', 'show', deferral), 'deferral'), 'state');
  return {
    approvedBy: team.approvers.map(({ name }) => name),
    deferral: { id: deferral, hours: Math.round(hours * 10) / 10 },
    cancelled: state === 'cancelled',
  };
}

function ask(hosting: Hosting, host: string, file: string): Promise<RailwayAnswer> {
  const token = readSetting(hosting.folder, file, RAILWAY_SETTING);
  return send({ host, token, volumeId: hosting.railway.volumeId }, hosting.way);
}

/** Out of the words that the agent reads. */
function idIn(answer: RailwayAnswer, kind: 'hold' | 'deferral'): string {
  const words = answer.kind === 'refused' ? answer.message : answer.body;
  const id = new RegExp(`\\b${kind}_[0-9a-z]{16}\\b`).exec(words)?.[0];
  if (id === undefined) throw new Error(`A ${kind} was meant to come, and this came: ${words}`);
  return id;
}

/** What the people who decide see. */
async function cardOf(holdfast: CommandLine, hold: string): Promise<RailwayReport['card']> {
  const card = at(await holdfast('holds', 'show', hold), 'hold', 'card');
  return {
    hold,
    target: textAt(card, 'target'),
    environment: textAt(card, 'environment'),
    foundBy: textAt(card, 'resolvedBy'),
    effects: listAt(card, 'effects').map((effect) => textAt(effect, 'why')),
  };
}
