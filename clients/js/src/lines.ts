/**
 * Returns a function that takes the parts of a body, and for each returns the lines that it ends.
 *
 * At the end of the body it takes undefined; then it returns the last line, if that is whole.
 */
export function lineSplitter(): (part: Uint8Array | undefined) => string[] {
  const decoder = new TextDecoder();
  let rest = "";
  return (part) => {
    const lines = decoder.decode(part, { stream: !!part }).split("\n");
    lines[0] = rest + lines[0];
    rest = part ? lines.pop()! : "";
    return part || isWhole(lines[0]) ? lines : [];
  };
}

/** Returns whether a line is JSON. The beginning of an event never is. */
function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
