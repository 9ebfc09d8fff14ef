// Starts the chat page and ties its parts to the host page: knows who is told what, and leaves every what to the others.
import { api } from "./api.js";
import { paint } from "./colour.js";
import { compose, focus } from "./composer.js";
import { byId } from "./dom.js";
import { fold } from "./handover.js";
import { listen } from "./host.js";
import { begin, restart, untouched } from "./opening.js";
import { say } from "./outgoing.js";
import { session } from "./session.js";
import { framed, hostOrigin, state, store } from "./state.js";
import { forHost, label, offline, origins, ui } from "./words.js";

/** @type {Promise<void>} */ let ready = Promise.resolve();

state.acts = {
  ask: say,
  rate: async (messageId, helpful) => api.feedback(await session(), messageId, helpful),
};
compose(say);

byId("close").addEventListener("click", () => state.tell("close"));
byId("restart").addEventListener("click", () => {
  ready = restart();
  focus();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && !fold()) state.tell("close");
});

/** @param {any} tag */
async function change(tag) {
  if (tag === state.locale) return;
  state.locale = String(tag);
  await label().catch(() => offline(true));
}

/** @param {boolean} wanted */
async function afresh(wanted) {
  if (wanted) await restart();
}

/** Orders from the host are obeyed in their order, each when the one before is done. @param {() => any} order */
function next(order) {
  ready = ready.then(order).catch((error) => console.error(error));
}

const fromHost = {
  init(/** @type {any} */ { page, identity, color, locale }) {
    state.page = String(page ?? "");
    state.identity = identity;
    if (identity === null) store.forget();
    paint(String(color), document.documentElement);
    next(() => change(locale).then(begin));
  },
  open() {
    state.open = true;
    state.unread = 0;
    focus();
  },
  close() {
    state.open = false;
  },
  ask(/** @type {any} */ question) {
    if (typeof question === "string" && question.trim()) next(() => say(question.trim()));
  },
  identify(/** @type {any} */ who) {
    state.identity = who;
    // A conversation that has begun stays with whom it began; null is somebody leaving, whom the next one must not read.
    next(() => afresh(who === null || untouched()));
  },
  locale(/** @type {any} */ tag) {
    next(() => change(tag).then(() => afresh(untouched())));
  },
};

async function main() {
  for (let wait = 1000; !ui.title; wait = Math.min(wait * 2, 30_000)) {
    await label().catch(() => new Promise((resolve) => setTimeout(resolve, wait)));
  }
  byId("talk").hidden = false;
  if (!framed) {
    state.page = location.origin + location.pathname;
    next(begin);
    return;
  }
  const tell = listen(hostOrigin, origins, fromHost);
  if (!tell) {
    offline(true);
    console.warn(`Callboard: ${hostOrigin || "this page"} is not among the sites that may show the widget (CALLBOARD_WIDGET_ORIGINS).`);
    return;
  }
  state.tell = tell;
  byId("close").hidden = false;
  tell("ready", forHost());
}

main();
