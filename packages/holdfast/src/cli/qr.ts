/**
 * A QR code for the terminal, two modules to a character by half blocks. With colours the light
 * modules are painted white, whatever the terminal's own background; without, the characters are
 * chosen for a dark background, and scanners read the inverse too.
 */
import { encode } from 'uqr';

export function qrLines(text: string, colours: boolean): string[] {
  const { data, size } = encode(text, { ecc: 'L', border: 2 });
  const isDark = (row: number, column: number): boolean => data[row]?.[column] === true;
  const lines: string[] = [];
  for (let row = 0; row < size; row += 2) {
    let line = '';
    for (let column = 0; column < size; column++) {
      line += block(isDark(row, column), isDark(row + 1, column));
    }
    lines.push(colours ? `\x1b[37;40;97m${line}\x1b[0m` : line);
  }
  return lines;
}

/** Drawn is what is light: white ink on black ground. */
function block(upperDark: boolean, lowerDark: boolean): string {
  if (upperDark) return lowerDark ? ' ' : '▄';
  return lowerDark ? '▀' : '█';
}
