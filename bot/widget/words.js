// Puts one language's words on the page: knows which element shows which phrase, not what happens there.
import { api } from "./api.js";
import { byId } from "./dom.js";
import { state } from "./state.js";

/** @type {Record<string, string>} the phrases in hand; one object for good, so that nobody keeps an old language */
export const ui = {};
/** @type {string[]} */ export const origins = [];

export const forHost = () => ({ open: ui.open, close: ui.close, title: ui.title });

/** Fetches the phrases of `state.locale` and shows them. */
export async function label() {
  const strings = await api.strings(state.locale);
  Object.assign(ui, strings.ui);
  origins.splice(0, origins.length, ...strings.origins);
  document.documentElement.lang = strings.locale;
  document.documentElement.dir = strings.dir;
  document.title = ui.title;
  byId("title").textContent = ui.title;
  byId("offline").textContent = ui.offline;
  for (const node of each("[data-ui]")) node.textContent = ui[node.dataset.ui ?? ""];
  for (const node of each("[data-ui-label]")) {
    node.ariaLabel = ui[node.dataset.uiLabel ?? ""];
    if (node instanceof HTMLButtonElement) node.title = node.ariaLabel ?? "";
  }
  byId("text").placeholder = ui.placeholder;
  state.tell("labels", forHost());
}

/** @param {string} selector @returns {NodeListOf<HTMLElement>} */
const each = (selector) => document.querySelectorAll(selector);

/** @param {boolean} yes */
export function offline(yes) {
  byId("offline").hidden = !yes;
}
