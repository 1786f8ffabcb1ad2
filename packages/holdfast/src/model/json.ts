/** Text of strangers as JSON: what is none reads as null, for a shape to refuse. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
