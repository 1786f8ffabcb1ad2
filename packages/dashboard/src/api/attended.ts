/**
 * Whether somebody is at this page: what it asks for by itself, because something happened elsewhere, must not
 * keep a session open that its person has left. Presses, keys and touches count, not what moves by itself.
 */

/** As long as the API takes between two notes of a session's use. */
const ATTENDED_MS = 60_000;

let touchedAtMs = performance.now();

/** Once, when the page begins. */
export function watchForPeople(page: EventTarget): void {
  const touched = (): void => {
    touchedAtMs = performance.now();
  };
  for (const kind of ['pointerdown', 'keydown', 'touchstart', 'wheel']) {
    page.addEventListener(kind, touched, { capture: true, passive: true });
  }
}

/** What a request says of it: nothing while somebody is here. */
export function attendedHeaders(): Readonly<Record<string, string>> {
  const isLeft = performance.now() - touchedAtMs > ATTENDED_MS;
  return isLeft ? { 'x-holdfast-unattended': 'yes' } : {};
}
