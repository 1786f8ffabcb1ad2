/** Passkeys: what the browser says when a person turns away is a problem with three parts, too. */
import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import { Problem } from './api/problem.ts';

export async function makePasskey(
  optionsJSON: Parameters<typeof startRegistration>[0]['optionsJSON'],
) {
  return startRegistration({ optionsJSON }).catch(turnedAway);
}

export async function askPasskey(
  optionsJSON: Parameters<typeof startAuthentication>[0]['optionsJSON'],
) {
  return startAuthentication({ optionsJSON }).catch(turnedAway);
}

function turnedAway(error: unknown): never {
  const name = error instanceof Error ? error.name : 'unknown';
  throw new Problem({
    code: 'PASSKEY',
    title: 'The passkey was not used',
    status: 0,
    expected: 'a touch of your passkey, with its PIN or your finger or face',
    found: WORDS[name] ?? `${name}: ${error instanceof Error ? error.message.slice(0, 200) : ''}`,
    hint: 'Try again, or use a one-time code. Nothing was decided.',
  });
}

const WORDS: Readonly<Record<string, string>> = {
  NotAllowedError:
    'it was cancelled, ran out of time, or there is no passkey of yours on this device',
  InvalidStateError: 'this authenticator already holds a passkey of yours',
  SecurityError: 'this address is not the one the passkey belongs to',
  AbortError: 'another question to the authenticator took its place',
};
