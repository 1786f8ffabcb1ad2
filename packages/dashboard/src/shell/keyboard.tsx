/**
 * The keyboard of the whole page. A part that is on screen says which keys it knows; the last one to say
 * so hears first. What is typed into a field, or while a dialog is open, is nobody's command.
 */
import { useEffect, useRef } from 'react';
import { type Heard, hear } from '../lib/keys.ts';

type Commands = Readonly<Record<string, () => void>>;

const hearers: { current: Commands }[] = [];
const PREFIX_MS = 1_200;
let prefix: Heard['prefix'] = null;
let prefixTimer = 0;

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented) return;
  const heard = hear(prefix, {
    key: event.key,
    ctrl: event.ctrlKey,
    meta: event.metaKey,
    alt: event.altKey,
    isRepeated: event.repeat,
    isTyping: isTyping(event.target) || document.querySelector('dialog[open]') !== null,
  });
  prefix = heard.prefix;
  window.clearTimeout(prefixTimer);
  if (prefix !== null) prefixTimer = window.setTimeout(forgetPrefix, PREFIX_MS);
  if (heard.command === null) return;
  for (const hearer of hearers.toReversed()) {
    const command = Object.hasOwn(hearer.current, heard.command)
      ? hearer.current[heard.command]
      : undefined;
    if (command === undefined) continue;
    if (heard.command !== 'Enter') event.preventDefault();
    command();
    return;
  }
}

function forgetPrefix(): void {
  prefix = null;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

export function listenToKeys(): () => void {
  window.addEventListener('keydown', onKeyDown);
  return () => window.removeEventListener('keydown', onKeyDown);
}

export function useKeys(commands: Commands): void {
  const hearer = useRef(commands);
  hearer.current = commands;
  useEffect(() => {
    hearers.push(hearer);
    return () => {
      hearers.splice(hearers.indexOf(hearer), 1);
    };
  }, []);
}
