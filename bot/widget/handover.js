// The short form that asks for a person: knows the form and its ticket, not who will answer.
import { api, newId } from "./api.js";
import { focus } from "./composer.js";
import { byId } from "./dom.js";
import { cards, hear, setTicket } from "./incoming.js";
import { session } from "./session.js";
import { log, state } from "./state.js";
import { ui } from "./words.js";

const form = byId("handover");
const email = byId("email");
let key = "";

/** @param {boolean} yes */
function unfold(yes) {
  form.hidden = !yes;
  byId("talk").setAttribute("aria-expanded", String(yes));
  byId("email-error").textContent = "";
  key = newId();
  if (yes) email.focus();
  else focus();
}

/** @returns {boolean} whether there was a form to fold */
export function fold() {
  if (form.hidden) return false;
  unfold(false);
  return true;
}

byId("talk").addEventListener("click", () => {
  if (!state.ticketOpen) return unfold(form.hidden);
  // One conversation has one ticket; who has it already only needs to write.
  cards().at(-1)?.scrollIntoView({ block: "center" });
  focus();
});

byId("dismiss").addEventListener("click", fold);

form.addEventListener("submit", async (/** @type {Event} */ event) => {
  event.preventDefault();
  if (!email.reportValidity()) return;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    setTicket(await api.handover(await session(), email.value.trim(), key));
    fold();
    log.offer([]);
    log.toEnd();
    hear();
  } catch (error) {
    const { status, message } = /** @type {import("./api.js").Problem} */ (error);
    byId("email-error").textContent = message || ui.offline;
    // A form that was refused is another one when it is mended; one that was lost on the way is the same.
    if (status) key = newId();
  } finally {
    button.disabled = false;
  }
});
