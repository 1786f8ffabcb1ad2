/** Onto the clipboard, where the browser allows it: it does not on an address without TLS. */
import { say } from './toast.tsx';

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say('Copied.');
  } catch {
    say('The browser does not let this page copy; select the text and copy it yourself.', true);
  }
}
