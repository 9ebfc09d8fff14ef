// The box that one writes in: knows keys and height, not where the words go.
import { byId } from "./dom.js";
import { state } from "./state.js";

const TALLEST = 140;
const box = /** @type {HTMLTextAreaElement} */ (byId("text"));

/** Fits the box to its words, and the button to whether they can be sent. */
export function fit() {
  // Empty, "auto" means left to right, and would turn an Arabic placeholder round.
  box.dir = box.value ? "auto" : "";
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, TALLEST)}px`;
  byId("send").disabled = !state.begun || !box.value.trim();
}

export const focus = () => box.focus();

/** @param {string} words unless something new has been begun */
export function giveBack(words) {
  box.value ||= words;
  fit();
}

/** @param {(words: string) => void} send */
export function compose(send) {
  box.addEventListener("input", fit);
  box.addEventListener("keydown", (event) => {
    // Enter also ends a Japanese or Chinese composition; that one is not for us (229: Safari's way of saying so).
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    byId("composer").requestSubmit();
  });
  byId("composer").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    const words = box.value.trim();
    if (!words || !state.begun) return;
    box.value = "";
    fit();
    focus();
    send(words);
  });
}
