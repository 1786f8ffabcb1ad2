/** Light or dark: as the device says, unless a person chose. Set before the first paint. */
import { useSyncExternalStore } from 'react';

export type Theme = 'device' | 'light' | 'dark';

const KEY = 'holdfast.theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');
let memory: Theme = kept();
const watchers = new Set<() => void>();

/** A browser may keep nothing for us; then the choice lasts as long as the page. */
function kept(): Theme {
  try {
    const theme = window.localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : 'device';
  } catch {
    return 'device';
  }
}

function keep(theme: Theme): void {
  try {
    if (theme === 'device') window.localStorage.removeItem(KEY);
    else window.localStorage.setItem(KEY, theme);
  } catch {
    // As said above.
  }
}

function chosen(): Theme {
  return memory;
}

function apply(): void {
  const theme = chosen();
  const isDark = theme === 'dark' || (theme === 'device' && dark.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  for (const watcher of watchers) watcher();
}

export function startTheme(): void {
  apply();
  dark.addEventListener('change', apply);
}

export function setTheme(theme: Theme): void {
  memory = theme;
  keep(theme);
  apply();
}

export function useTheme(): Theme {
  return useSyncExternalStore((watcher) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }, chosen);
}
