/** Text that others wrote, made safe to look at. */

/** What turns the direction of a text, or is not visible: C0 without tab and line feed, DEL, C1, and bidi marks. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Return the text with escapes in the place of characters that a reader could not see. */
export function visible(text) {
  return text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Return an element with a class and a text. The text is never read as HTML. */
export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = visible(text);
  return made;
}
