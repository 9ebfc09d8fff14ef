// Gives the conversation in hand, or a new one: knows when to make one, not what is said in it.
import { api } from "./api.js";
import { state, store } from "./state.js";

/** @type {Promise<import("./api.js").Session>|null} */ let starting = null;

/** Asked for by several things at once, made once. */
export function session() {
  if (store.session) return Promise.resolve(store.session);
  starting ??= api.start(state.locale, state.page, state.identity)
    .then((made) => {
      store.keep(made);
      return made;
    })
    .finally(() => { starting = null; });
  return starting;
}

/** @param {any} error whether the server no longer knows the conversation, or no longer lets us into it */
export const gone = (error) => [401, 403, 404, 410].includes(error.status);
