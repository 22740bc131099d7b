/** Returns a copy of a growing value. It shares with an earlier copy everything that has not changed since. */
export function shared(before: unknown, now: unknown): unknown {
  if (!isContainer(now)) return now;
  const old = isContainer(before) && Array.isArray(before) === Array.isArray(now) ? before : undefined;
  const keys = Object.keys(now);
  const members = keys.map((key) => [key, shared(old && Object.hasOwn(old, key) ? old[key] : undefined, now[key])] as const);
  const isSame = old && Object.keys(old).length === keys.length;
  if (isSame && members.every(([key, member]) => Object.hasOwn(old, key) && old[key] === member)) return old;
  return Array.isArray(now) ? members.map(([, member]) => member) : Object.fromEntries(members);
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
