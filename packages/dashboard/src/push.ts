/**
 * This browser and web push: whether it can, whether its person lets us, and turning it on and off. The gateway
 * shows nobody where a browser is reached, so that which line of its list is this one is kept here, by person.
 */
import { ask } from './api/client.ts';
import { Problem } from './api/problem.ts';

/**
 * - `unsupported`  it has no web push; `why` says what to do about it
 * - `denied`       its person said no, and only its own settings undo that
 * - `off`, `on`    `id`: of the gateway's list
 */
export type PushState =
  | { readonly kind: 'unsupported'; readonly why: string }
  | { readonly kind: 'denied' | 'off' }
  | { readonly kind: 'on'; readonly id: string };

interface Kept {
  readonly person: string;
  readonly id: string;
}

const KEY = 'holdfast.push';
const WORKER = '/sw.js';

/** `ids`: of the gateway's list. */
export async function pushState(person: string, ids: readonly string[]): Promise<PushState> {
  const why = whyUnsupported();
  if (why !== null) return { kind: 'unsupported', why };
  if (Notification.permission === 'denied') return { kind: 'denied' };
  const registration = await navigator.serviceWorker.getRegistration('/');
  const subscription = await registration?.pushManager.getSubscription();
  const kept = keptHere();
  if (subscription == null || kept === null) return { kind: 'off' };
  return kept.person === person && ids.includes(kept.id)
    ? { kind: 'on', id: kept.id }
    : { kind: 'off' };
}

/** By a click only: browsers ask nobody otherwise. */
export async function turnOn(person: string, publicKey: string): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') throw notLet();
  await navigator.serviceWorker.register(workerUrl(), { scope: '/', updateViaCache: 'none' });
  const { pushManager } = await navigator.serviceWorker.ready;
  // One that was made with another key, or for somebody else, is not carried on.
  await (await pushManager.getSubscription())?.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: publicKey };
  const subscription = await pushManager.subscribe(options).catch(noService);
  const { endpoint, keys = {} } = subscription.toJSON();
  const { auth = '', p256dh = '' } = keys;
  try {
    const body = { endpoint: endpoint ?? '', keys: { auth, p256dh } };
    const { id } = await ask('self.push.add', { body });
    keep({ person, id });
  } catch (error) {
    await subscription.unsubscribe();
    throw error;
  }
}

/** At the gateway first: what it no longer sends to does no harm. */
export async function turnOff(id: string): Promise<void> {
  await ask('self.push.remove', { params: { id } });
  if (keptHere()?.id === id) await forgetHere();
}

/** Whoever signs out here is told nothing here any more, and the next person is not told instead. */
export async function forgetHere(): Promise<void> {
  localStorage.removeItem(KEY);
  const registration = await navigator.serviceWorker?.getRegistration('/');
  await (await registration?.pushManager?.getSubscription())?.unsubscribe();
}

function whyUnsupported(): string | null {
  if (!window.isSecureContext) {
    return 'Browsers allow it only over https. Open the dashboard by its https address.';
  }
  if ('serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window) {
    return null;
  }
  return /iPhone|iPad/.test(navigator.userAgent)
    ? 'On this device it works from the home screen: choose Share, then “Add to Home Screen”, and open Holdfast from there.'
    : 'This browser has no web push. A current Firefox, Chrome, Edge or Safari has it.';
}

interface ScriptUrls {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

declare global {
  /** Its answers stand for the text that they were made of (Trusted Types, 2.2); not in every browser. */
  var trustedTypes: ScriptUrls | undefined;
}

let worker: string | null = null;

/** The one script address that this page hands out, and nothing else passes for one. */
function workerUrl(): string {
  worker ??=
    globalThis.trustedTypes
      ?.createPolicy('holdfast-worker', { createScriptURL: () => WORKER })
      .createScriptURL(WORKER) ?? WORKER;
  return worker;
}

function keep(kept: Kept): void {
  localStorage.setItem(KEY, JSON.stringify(kept));
}

function keptHere(): Kept | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? 'null');
    if (typeof value !== 'object' || value === null) return null;
    const person: unknown = Reflect.get(value, 'person');
    const id: unknown = Reflect.get(value, 'id');
    return typeof person === 'string' && typeof id === 'string' ? { person, id } : null;
  } catch {
    return null;
  }
}

function notLet(): Problem {
  return new Problem({
    code: 'PUSH',
    title: 'Notices were not turned on',
    status: 0,
    expected: 'that you allow notifications when the browser asks',
    found: 'that it was not allowed',
    hint: 'Try again, or allow notifications for this address in the settings of the browser.',
  });
}

function noService(error: unknown): never {
  throw new Problem({
    code: 'PUSH',
    title: 'Notices were not turned on',
    status: 0,
    expected: 'the push service of this browser to be reached',
    found: error instanceof Error ? `${error.name}: ${error.message.slice(0, 200)}` : 'no answer',
    hint: 'Some browsers without an account of their maker, and private windows, have none. Try another.',
  });
}
