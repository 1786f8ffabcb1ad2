/** A wait that does not keep the process alive by itself is not wanted here: callers await it. */
export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
