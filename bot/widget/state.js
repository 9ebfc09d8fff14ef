// Holds what the modules of one chat page share: knows values, does nothing with them.
import { Log } from "./log.js";
import { Store } from "./store.js";

const query = new URLSearchParams(location.search);

export const hostOrigin = query.get("host") ?? "";
export const framed = window.parent !== window;
export const log = new Log();
export const store = new Store(hostOrigin);

export const state = {
  locale: query.get("locale") ?? navigator.language,
  page: "",
  /** @type {import("./api.js").Identity|undefined} */ identity: undefined,
  open: !framed,
  unread: 0,
  /** Until the greeting or the old transcript stands, a message would stand above it. */
  begun: false,
  ticketOpen: false,
  /** How many questions wait for their answer. */
  turns: 0,
  /** The creator's messages that this page shows, by client id. @type {Map<string, HTMLElement>} */
  mine: new Map(),
  /** Those of them that the server is known to have, answered or not. @type {Set<string>} */
  recorded: new Set(),
  tell: (/** @type {string} */ _type, /** @type {any} */ _value = undefined) => {},
  /** @type {import("./render.js").Acts} */
  acts: { ask() {}, async rate() {} },
};
