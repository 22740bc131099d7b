/** The playground's page as a person uses it. */

export class PlaygroundPage {
  constructor(page) {
    this.page = page;
    this.outcome = page.locator("#outcome");
  }

  /** Open the page in a tab of its own, and fail the test where its code or its security policy reports an error. */
  static async open(context, url) {
    const page = await context.newPage();
    const opened = new PlaygroundPage(page);
    opened.errors = [];
    page.on("pageerror", (error) => opened.errors.push(String(error)));
    page.on("console", (message) => {
      if (/Content Security Policy/i.test(message.text())) opened.errors.push(message.text());
    });
    await page.goto(url);
    await page.locator("#route option").first().waitFor({ state: "attached" });
    return opened;
  }

  /** Fill in the form: `json` is the whole request, `prompt` its prompt. */
  async fill({ prompt, json, format, ending }) {
    if (json !== undefined || prompt !== undefined) {
      await this.page.selectOption("#body-kind", json === undefined ? "prompt" : "json");
      await this.page.fill("#input", json ?? prompt);
    }
    if (format !== undefined) await this.page.selectOption("#format", format);
    if (ending !== undefined) await this.page.selectOption("#ending", ending);
  }

  async send(form = {}) {
    await this.fill(form);
    await this.page.click("#send");
  }

  /** Wait for one of the outcomes at which a request ends, and return it. */
  async end() {
    await this.page.locator("#outcome:is([data-outcome=complete], [data-outcome=failed], [data-outcome=cut], [data-outcome=stopped])").waitFor();
    return this.outcome.textContent();
  }

  /** What the page says of the end, by name: code, status, tokens, time … */
  facts() {
    return this.page.$$eval("#facts div", (rows) =>
      Object.fromEntries(rows.map((row) => [row.children[0].textContent, row.children[1].textContent])),
    );
  }

  answer() {
    return this.page.locator("#answer").innerText();
  }
}
