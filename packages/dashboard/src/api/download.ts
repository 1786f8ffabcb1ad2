/** A file of the API, saved as the browser saves files: a link alone cannot show the page's secret. */
import { pageHeaders } from './page-secret.ts';
import { Problem } from './problem.ts';

/** Long enough for any browser to have begun. */
const KEPT_MS = 60_000;

/** Throws a Problem; a file that broke off is not saved. */
export async function download(path: string, name: string): Promise<void> {
  const response = await fetch(path, {
    credentials: 'same-origin',
    cache: 'no-store',
    headers: pageHeaders(),
  }).catch(() => {
    throw Problem.noAnswer();
  });
  if (!response.ok) {
    throw Problem.ofAnswer(response.status, await response.json().catch(() => null));
  }
  const file = await response.blob().catch(() => {
    throw Problem.noAnswer();
  });
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
