/** Every step, in order. A new one is a file and a line at the end. */
import { identity } from './0001-identity.ts';
import { holds } from './0002-holds.ts';
import { trail } from './0003-trail.ts';
import { undo } from './0004-undo.ts';
import { protection } from './0005-protection.ts';
import { deferrals } from './0006-deferrals.ts';
import { undoRuns } from './0007-undo-runs.ts';
import { walls } from './0008-walls.ts';
import { undoReferences } from './0009-undo-references.ts';
import { undoAgentName } from './0010-undo-agent-name.ts';
import { takingBack } from './0011-taking-back.ts';
import { credentials } from './0012-credentials.ts';
import { undoInverses } from './0013-undo-inverses.ts';
import { people } from './0014-people.ts';
import { bindings } from './0015-bindings.ts';
import { agents } from './0016-agents.ts';
import { notifications } from './0017-notifications.ts';
import { signIn } from './0018-sign-in.ts';
import { trailIndex } from './0018-trail-index.ts';
import { history } from './0019-history.ts';
import { idempotency } from './0020-idempotency.ts';
import { pageSecret } from './0021-page-secret.ts';
import { pushSessions } from './0022-push-sessions.ts';
import { rowMacs } from './0024-row-macs.ts';
import { intendedNotes } from './0025-intended-notes.ts';
import { ceremonyMacs } from './0026-ceremony-macs.ts';
import { rebuilds } from './0027-rebuilds.ts';
import { pushMacs } from './0028-push-macs.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [
  identity,
  holds,
  trail,
  undo,
  protection,
  deferrals,
  undoRuns,
  walls,
  undoReferences,
  undoAgentName,
  takingBack,
  credentials,
  undoInverses,
  people,
  bindings,
  agents,
  notifications,
  signIn,
  trailIndex,
  history,
  idempotency,
  pageSecret,
  pushSessions,
  rowMacs,
  intendedNotes,
  ceremonyMacs,
  rebuilds,
  pushMacs,
];
