/** Asks for every row of docs/endings.md; `stack.py` has them. */

/**
 * Resolves with what each reader made of each row of its format: `[{ name, row, found }]`.
 *
 * `readers` has the format of each by its name, and `ask(url, request)`, which resolves with
 * `{ outcome: "complete", value }` or `{ outcome: "not complete", code }`.
 */
export async function askForRows(stack, readers) {
  const results = [];
  const all = Object.entries(readers);
  for (const { environment, waits, rounds } of await stack.do("rows")) {
    await stack.do("deploy_rows", { environment, sandboxes: waits ? all.length : 1 });
    for (const round of rounds) {
      const asked = round.flatMap((row) => all.filter(([, { format }]) => format === row.format).map((reader) => [row, reader]));
      const ask = async ([row, [name, reader]]) => {
        results.push({ name, row, found: await reader.ask(stack.urls.endpoint, row.request) });
      };
      if (round.some((row) => row.waits)) await Promise.all(asked.map(ask));
      else for (const each of asked) await ask(each);
    }
  }
  return results;
}

/** Of an error, the code in the response, or the code itself. */
export function codeOf({ message }) {
  return message.match(/"code": ?"(\w+)"/)?.[1] ?? message;
}
