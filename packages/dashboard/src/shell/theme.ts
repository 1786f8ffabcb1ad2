/** Light or dark: as the device says, unless a person chose. Set before the first paint. */
import { useSyncExternalStore } from 'react';

export type Theme = 'device' | 'light' | 'dark';

const KEY = 'holdfast.theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const watchers = new Set<() => void>();

function chosen(): Theme {
  const kept = window.localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'device';
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
  if (theme === 'device') window.localStorage.removeItem(KEY);
  else window.localStorage.setItem(KEY, theme);
  apply();
}

export function useTheme(): Theme {
  return useSyncExternalStore((watcher) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }, chosen);
}
