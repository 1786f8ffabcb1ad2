/**
 * The page's own secret: beside the two cookies, the third thing that a session wants. It lies in this origin's
 * storage, so that no page at another port of the host has it, and all tabs of ours do; it is read anew for each
 * request. What it will not do: keep it in memory where storage is blocked, for then a session would end with
 * the page, and nobody could tell why. Who signs in is told so before anything is begun.
 */
import { Problem } from './problem.ts';

/** As the gateway names it (`api/who.ts`). */
export const PAGE_HEADER = 'x-holdfast-page';
const KEY = 'holdfast.page';
const PROBE = 'holdfast.probe';

/** Null: there is none. */
export function keptPage(): string | null {
  try {
    return window.localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function pageHeaders(): Readonly<Record<string, string>> {
  const page = keptPage();
  return page === null ? {} : { [PAGE_HEADER]: page };
}

/** Throws a Problem where nothing can be kept. */
export function keepPage(page: string): void {
  try {
    window.localStorage.setItem(KEY, page);
  } catch {
    throw cannotKeep();
  }
}

/** `shown`: what was found to open nothing, or was closed. Another tab's newer one stays. */
export function forgetPage(shown: string | null): void {
  try {
    if (shown !== null && keptPage() === shown) window.localStorage.removeItem(KEY);
  } catch {
    // Then there is nothing to forget.
  }
}

/** Null: a page's secret can be kept here. */
export function storageTrouble(): Problem | null {
  try {
    window.localStorage.setItem(PROBE, PROBE);
    window.localStorage.removeItem(PROBE);
    return null;
  } catch {
    return cannotKeep();
  }
}

/** Another tab signed in, or out. Until the returned function is called. */
export function onPageChanged(changed: () => void): () => void {
  const hear = ({ key, newValue, oldValue }: StorageEvent): void => {
    // A key of null: everything was cleared.
    if (key === null || (key === KEY && newValue !== oldValue)) changed();
  };
  window.addEventListener('storage', hear);
  return () => window.removeEventListener('storage', hear);
}

function cannotKeep(): Problem {
  return new Problem({
    code: 'PAGE',
    title: 'This browser keeps nothing for this address',
    status: 0,
    expected: 'storage of this site (localStorage), where half of your session is kept',
    found: 'storage that is blocked or full',
    hint: 'Allow site data for this address in the settings of your browser, or leave the mode that blocks it; then load the page again.',
  });
}
