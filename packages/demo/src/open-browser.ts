/**
 * Opens the viewer's browser where somebody sits before it: a terminal, a display, and nobody who said no.
 * It is a convenience: it never fails and never waits, since the screen has printed the link all the same.
 */
import { spawn } from 'node:child_process';

export interface Seat {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { readonly isTTY?: boolean };
}

export function hasScreen({ env, platform, stdout }: Seat): boolean {
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  if (stdout.isTTY !== true || isSet('CI') || isSet('HOLDFAST_NO_BROWSER')) return false;
  // Over ssh the browser would open where nobody looks, or nowhere.
  if (isSet('SSH_CONNECTION')) return false;
  if (platform === 'darwin' || platform === 'win32') return true;
  return isSet('DISPLAY') || isSet('WAYLAND_DISPLAY');
}

/** By platform; the URL is an argument of its own and read by no shell of ours. */
export function openerOf(platform: string, url: string): readonly [string, ...string[]] {
  if (platform === 'darwin') return ['open', url];
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler', url];
  return ['xdg-open', url];
}

export function openBrowser(url: string): void {
  const [program, ...words] = openerOf(process.platform, url);
  const child = spawn(program, words, { detached: true, stdio: 'ignore' });
  child.once('error', () => {});
  child.unref();
}
