// Sends what the creator says, in order, once, and loses nothing: knows tries and failures, not the shape of an answer.
import { api, newId, Problem } from "./api.js";
import { giveBack } from "./composer.js";
import { byId } from "./dom.js";
import { announce, arrived, hear, release, show, typing, unhear } from "./incoming.js";
import { bubble, failure } from "./render.js";
import { gone, session } from "./session.js";
import { log, state, store } from "./state.js";
import { offline, ui } from "./words.js";

/** @typedef {import("./store.js").Outgoing} Outgoing */

/** @type {Promise<void>} */ let queue = Promise.resolve();

/** @param {string} text @param {string} [label] what is shown in its place */
export function say(text, label = text) {
  const message = { client_id: newId(), text, label };
  store.add(message);
  draw(message);
  log.offer([]);
  log.toEnd();
  deliver(message);
}

/** One after another: a second question is about the first one's answer. @param {Outgoing} message */
export function deliver(message) {
  queue = queue.then(() => turn(message));
}

/** @param {Outgoing} message one that an earlier page could not send */
export function unsent(message) {
  draw(message);
  mark(message, new Problem(0));
}

/** @param {Outgoing} message */
function draw(message) {
  const { client_id, text, label } = message;
  const node = bubble({ id: "", role: "creator", text: label ?? text }, ui);
  state.mine.set(client_id, node);
  log.isNew({ role: "creator", client_id });
  log.add(node);
}

/** @param {Outgoing} message */
async function turn(message) {
  const draft = log.draft(ui.bot);
  /** @type {any} */ let problem = null;
  state.turns += 1;
  typing(true);
  byId("restart").hidden = true;
  try {
    const reply = await exchange(message, draft);
    draft.remove();
    arrived(message.client_id);
    store.settle(message.client_id);
    offline(false);
    if (reply) {
      show({ id: reply.id, role: "bot", text: reply.text, html: reply.html, reply });
      announce("bot");
    }
  } catch (error) {
    problem = error;
    draft.remove();
    if (!(error instanceof Problem)) console.error(error);
  }
  state.turns -= 1;
  typing(false);
  release();
  // The answer may have come by the event stream although its own connection broke.
  if (problem && store.outbox.some(({ client_id }) => client_id === message.client_id)) mark(message, problem);
  hear();
}

/**
 * @param {Outgoing} message
 * @param {{add: (html: string) => void, clear: () => void}} draft
 * @returns {Promise<import("./api.js").Reply|null>} null: a person has the conversation, and the bot is silent
 */
async function exchange(message, draft) {
  for (let tries = 0; ; tries += 1) {
    const kept = await session();
    let silent = false;
    draft.clear();
    try {
      for await (const { event, data } of api.send(kept, message)) {
        if (event === "sentence") draft.add(data.html || "");
        if (event === "reply") return data;
        if (event === "status" && data.state === "withdrawn") draft.clear();
        else if (event === "accepted" || (event === "status" && data.state !== "searching")) silent = true;
      }
      if (silent) return null;
      throw new Problem(0);
    } catch (error) {
      const { status } = /** @type {Problem} */ (error);
      if (status === 409 && tries < 5) {
        // The first try is still being answered; its answer is ours.
        await new Promise((resolve) => setTimeout(resolve, 1500));
      } else if (gone(error) && tries === 0) {
        // The server has forgotten this conversation; the question need not suffer for it.
        unhear();
        log.recount();
        store.keep(null);
      } else throw error;
    }
  }
}

/** @param {Outgoing} message @param {Problem} problem */
function mark(message, problem) {
  const node = state.mine.get(message.client_id);
  if (!node) return;
  if (problem.status === 0) offline(true);
  // With its records down the server can still answer somebody in danger.
  const reply = problem.body.reply;
  if (reply) show({ id: reply.id, role: "bot", text: reply.text, html: reply.html, reply });
  // The same words would be refused again, so they go back to where they can be changed.
  const refused = problem.status === 413 || problem.status === 422;
  if (refused) {
    store.settle(message.client_id);
    giveBack(message.text);
  }
  arrived(message.client_id);
  node.classList.add("unsent");
  node.append(failure(ui, problem.message, refused ? null : () => {
    arrived(message.client_id);
    deliver(message);
  }));
  log.toEnd();
}
