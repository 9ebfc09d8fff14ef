// Begins a conversation, takes up the old one after a reload, or starts afresh: knows beginnings only.
import { api } from "./api.js";
import { fit } from "./composer.js";
import { byId } from "./dom.js";
import { chips, hear, setTicket, show, unhear } from "./incoming.js";
import { deliver, unsent } from "./outgoing.js";
import { bubble } from "./render.js";
import { gone, session } from "./session.js";
import { log, state, store } from "./state.js";
import { offline, ui } from "./words.js";

export const untouched = () => !log.list.querySelector(".creator");

/** Does not give up: a page that was opened in a tunnel works after the tunnel. */
export async function begin() {
  for (let wait = 1000; ; wait = Math.min(wait * 2, 30_000)) {
    try {
      if (store.session) await restore(store.session);
      else {
        greet(await session());
        store.outbox.forEach(unsent);
      }
      state.begun = true;
      fit();
      if (!store.outbox.length) offline(false);
      return;
    } catch (error) {
      if (store.session && gone(error)) {
        store.keep(null);
        continue;
      }
      offline(true);
      await new Promise((resolve) => {
        setTimeout(resolve, wait);
        addEventListener("online", resolve, { once: true });
      });
    }
  }
}

/** @param {import("./api.js").Session} session */
function greet({ greeting, suggestions }) {
  if (greeting) log.add(bubble({ id: "", role: "bot", text: greeting }, ui));
  log.offer(chips(suggestions));
}

/** @param {import("./api.js").Session} kept */
async function restore(kept) {
  const { messages, ticket } = await api.transcript(kept);
  // A whole conversation read out at every page change helps nobody.
  log.list.setAttribute("aria-busy", "true");
  greet(kept);
  messages.forEach(show);
  if (ticket) setTicket(ticket);
  for (const message of [...store.outbox]) {
    const at = messages.findIndex(({ role, client_id }) => role === "creator" && client_id === message.client_id);
    if (at < 0) unsent(message);
    else if (messages.slice(at + 1).some(({ role }) => role !== "creator")) store.settle(message.client_id);
    // Heard but not answered when the page went away; asking again under the same name gives the same answer.
    else deliver(message);
  }
  log.toEnd();
  log.list.removeAttribute("aria-busy");
  if (messages.length || ticket) hear();
}

export function restart() {
  unhear();
  store.forget();
  log.clear();
  state.mine.clear();
  state.recorded.clear();
  state.ticketOpen = state.begun = false;
  byId("restart").hidden = true;
  fit();
  return begin();
}
