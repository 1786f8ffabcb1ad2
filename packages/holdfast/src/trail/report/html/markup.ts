/**
 * HTML that holds no text of others unescaped: what is put into `html` is text unless it is Markup, and
 * only `html` and `raw` make Markup. Control and direction characters are shown as what they are, as on a
 * terminal, so that a name cannot turn a line round.
 */
import { visible } from '../../../model/text.ts';

export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Piece = string | number | Markup | null | readonly Markup[];

export function html(parts: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  return new Markup(String.raw({ raw: parts }, ...values.map(textOf)));
}

/** For what this folder wrote itself, such as its style. Never for anything that was read. */
export function raw(text: string): Markup {
  return new Markup(text);
}

function textOf(piece: Piece): string {
  if (piece === null) return '';
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === 'number') return String(piece);
  if (typeof piece === 'string') return escaped(piece);
  return piece.map(({ text }) => text).join('');
}

const NAMES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return visible(text).replaceAll(/[&<>"']/g, (char) => NAMES[char] ?? '');
}
