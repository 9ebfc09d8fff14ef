// Shows what the server says, each thing once: knows messages, tickets and notices, not how a question is sent.
import { api } from "./api.js";
import { byId } from "./dom.js";
import { bubble, choices, extras, noticeBar, ticketCard } from "./render.js";
import { log, state, store } from "./state.js";
import { follow } from "./stream.js";
import { offline, ui } from "./words.js";

/** @typedef {import("./api.js").Message} Message */

/** @type {Message[]} */ const held = [];

/** @param {Message} message */
export function show(message) {
  const { role, client_id, reply } = message;
  if (role === "creator" && client_id && state.mine.has(client_id)) {
    log.isNew(message);
    state.recorded.add(client_id);
    return;
  }
  if (!log.isNew(message)) return;
  // The transcript may open with the greeting, which stands at the top already.
  if (role !== "creator" && !reply && message.text?.trim() === store.session?.greeting?.trim()) return;
  typing(false);
  if (message.text || message.html || reply?.html) {
    const node = bubble(message, ui);
    if (role === "creator" && client_id) state.mine.set(client_id, node);
    log.add(node, reply && extras(message, ui, state.acts), reply?.ticket && newCard(reply.ticket));
  }
  for (const notice of reply?.notices ?? []) warn(notice);
  log.offer([...choices(reply?.options ?? [], state.acts), ...chips(reply?.suggestions)]);
  byId("restart").hidden = state.ticketOpen;
  if (role === "creator") return;
  // An answer has come, so what the server has recorded needs no second try.
  for (const clientId of state.recorded) {
    arrived(clientId);
    store.settle(clientId);
  }
}

/** @param {string[]} [questions] */
export const chips = (questions = []) =>
  choices(questions.map((question) => ({ label: question, question })), state.acts);

/** @param {string} clientId takes back what was said about its not having been sent */
export function arrived(clientId) {
  const node = state.mine.get(clientId);
  node?.querySelector(".failed")?.remove();
  node?.classList.remove("unsent");
}

/** @param {Message} message */
function heard(message) {
  // While an answer is under way its own event overtakes it; shown now it would stand above its draft.
  if (state.turns && message.role !== "agent") return held.push(message);
  const before = log.list.childElementCount;
  show(message);
  if (message.role !== "creator" && log.list.childElementCount > before) announce(message.role);
}

/** The host page learns that there is something, never what it says. @param {string} role */
export function announce(role) {
  state.tell("event", { name: "message", data: { role } });
  if (!state.open) state.tell("unread", ++state.unread);
}

/** Shows what has waited for the end of a turn. */
export function release() {
  for (const message of held.splice(0)) heard(message);
}

/** @param {import("./api.js").Ticket} ticket */
export function setTicket(ticket) {
  const card = newCard(ticket);
  if (card) log.add(card);
}

/** @param {import("./api.js").Ticket} ticket @returns {HTMLElement|null} null if its card is there */
function newCard(ticket) {
  state.ticketOpen = !["solved", "closed"].includes(ticket.status ?? "");
  byId("restart").hidden = state.ticketOpen;
  if (cards().some((card) => card.dataset.number === String(ticket.number))) return null;
  state.tell("event", { name: "ticket", data: { number: ticket.number } });
  return ticketCard(ticket, ui);
}

/** @returns {HTMLElement[]} */
export const cards = () => [...log.list.querySelectorAll(/** @type {any} */ (".ticket"))];

/** @param {import("./api.js").Notice} notice */
function warn(notice) {
  const name = `${notice.title}\n${notice.text}`;
  const bars = byId("notices");
  const shown = [...bars.children].find((bar) => bar.dataset.name === name);
  if (notice.state === "ended") return shown?.remove();
  if (shown || store.dismissed.includes(name)) return;
  const bar = noticeBar(notice, ui, () => store.dismiss(name));
  bar.dataset.name = name;
  bars.append(bar);
}

let quiet = 0;

/** @param {boolean} yes */
export function typing(yes) {
  clearTimeout(quiet);
  const line = byId("waiting");
  line.textContent = yes ? ui.typing : "";
  // The draft's dots show it to the eye; the words are then for the ear alone.
  line.classList.toggle("quiet", !yes || state.turns > 0);
  // Nobody says when a person has stopped typing and gone for coffee.
  if (yes && !state.turns) quiet = setTimeout(() => typing(false), 8000);
}

/** @type {ReturnType<typeof follow>|null} */ let following = null;

/** Stays on the line for what people write; safe to call again. */
export function hear() {
  const kept = store.session;
  if (following || !kept || document.hidden) return;
  following = follow((signal) => api.events(kept, log.lastSeq, signal), {
    state: (up) => offline(!up),
    on({ event, data, id }) {
      const seq = Number(id) || undefined;
      // Counted first: an event that could not be shown must not be asked for again and again.
      if (seq) log.lastSeq = Math.max(log.lastSeq, seq);
      if (event === "message") heard({ ...data, seq: data.seq ?? seq });
      if (event === "ticket" && data) setTicket(data);
      // A turn under way says itself that the bot is at it.
      if (event === "typing" && !(state.turns && data?.role === "bot")) typing(data?.typing !== false);
      if (event === "notice" && data) warn(data);
    },
  });
}

export function unhear() {
  following?.stop();
  following = null;
}

document.addEventListener("visibilitychange", () => {
  // Browsers allow six connections to a server; forgotten tabs must not hold them.
  if (document.hidden) unhear();
  else if (log.lastSeq || state.mine.size || state.ticketOpen) hear();
});
addEventListener("online", () => following?.hurry());
