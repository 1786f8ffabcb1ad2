/**
 * An mbox into its messages (RFC 4155, and the "mboxrd" quoting that most programs write). A message
 * begins at a line `From <somebody> <date>` at the start of the file or behind an empty line; inside of
 * one, `>From ` at the start of a line loses one `>`. Over bytes: a message has its own encodings.
 *
 * A body that holds such a line unquoted cannot be told from two messages; both are mail, and weigh as
 * little as mail does.
 */

export interface MessageBytes {
  readonly bytes: Buffer;
  /** Of its first header. */
  readonly offset: number;
}

const LINE_FEED = 0x0a;
const SEPARATOR =
  /^From \S{1,320} +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) +(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d{1,2} +\d{1,2}:\d{2}(?::\d{2})?(?: +[A-Za-z0-9+-]{1,8})? +\d{4}(?: +[A-Za-z0-9+-]{1,8})?\s*$/;
const SEPARATOR_BYTES_MAX = 512;
const QUOTED = /^(>*)>From /;

export function isMbox(bytes: Buffer): boolean {
  return bytes.subarray(0, 5).toString('latin1') === 'From ';
}

export function* messagesIn(bytes: Buffer): Iterable<MessageBytes> {
  let start: number | null = null;
  let isBehindEmpty = true;
  let quoted: { from: number; to: number }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const feed = bytes.indexOf(LINE_FEED, at);
    const end = feed < 0 ? bytes.length : feed + 1;
    const head = bytes.toString('latin1', at, Math.min(end, at + SEPARATOR_BYTES_MAX));
    if (isBehindEmpty && head.startsWith('From ') && SEPARATOR.test(head)) {
      if (start !== null) yield unquoted(bytes, start, at, quoted);
      start = end;
      quoted = [];
    } else if (head.startsWith('>') && QUOTED.test(head)) quoted.push({ from: at, to: at + 1 });
    isBehindEmpty = head === '\n' || head === '\r\n';
    at = end;
  }
  if (start !== null) yield unquoted(bytes, start, bytes.length, quoted);
}

/** Without the marks at these places. */
function unquoted(
  bytes: Buffer,
  start: number,
  end: number,
  marks: readonly { from: number; to: number }[],
): MessageBytes {
  if (marks.length === 0) return { bytes: bytes.subarray(start, end), offset: start };
  const parts: Buffer[] = [];
  let at = start;
  for (const { from, to } of marks) {
    parts.push(bytes.subarray(at, from));
    at = to;
  }
  parts.push(bytes.subarray(at, end));
  return { bytes: Buffer.concat(parts), offset: start };
}
