// Speaks to the server: knows the addresses, the token and the shapes, nothing of the page.
import { events, patience } from "./stream.js";

/**
 * @typedef {{n: number, article: string, locale: string, title: string, section: string, anchor: string, url: string, quote: string}} Citation
 * @typedef {{id?: string, number: string|number, status?: string, queue?: string}} Ticket
 * @typedef {{title: string, text: string, state?: "started"|"ended"}} Notice
 * @typedef {{id: string, kind: "answer"|"clarify"|"handover"|"smalltalk", text: string, html: string, citations: Citation[],
 *   options: {label: string, question: string}[], suggestions: string[], ticket: Ticket|null, notices: Notice[]}} Reply
 * @typedef {{seq?: number, id: string, role: "creator"|"bot"|"agent"|"system", text: string, html?: string|null, reply?: Reply|null,
 *   client_id?: string|null, created?: string}} Message
 * @typedef {import("./store.js").Session} Session
 * @typedef {import("./store.js").Outgoing} Outgoing
 * @typedef {{jwt?: string, creator?: object}} Identity
 * @typedef {{locale: string, dir: "ltr"|"rtl", site: string, origins: string[], ui: Record<string, string>}} Strings
 */

const TURN_SILENCE = 60_000;

/** What the server said instead of doing it (RFC 9457); `status` 0 means that it was not reached. */
export class Problem extends Error {
  /** @param {number} status @param {any} [body] */
  constructor(status, body = {}) {
    super(body?.detail || body?.title || "");
    this.status = status;
    this.body = body ?? {};
  }
}

/**
 * @param {string} path
 * @param {{method?: string, token?: string, body?: object, headers?: Record<string, string>, signal?: AbortSignal}} [options]
 */
async function call(path, { method = "GET", token, body, headers = {}, signal } = {}) {
  /** @type {Record<string, string>} */ const sent = { Accept: "application/json", ...headers };
  if (token) sent.Authorization = `Bearer ${token}`;
  if (body) sent["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method, headers: sent, signal, body: body && JSON.stringify(body),
      cache: "no-store", credentials: "omit",
    });
  } catch {
    throw new Problem(0);
  }
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
  return response;
}

const at = (/** @type {string} */ id) => `/v1/conversations/${encodeURIComponent(id)}`;

export const api = {
  /** @param {string} locale @returns {Promise<Strings>} */
  async strings(locale) {
    return (await call(`/widget/strings?locale=${encodeURIComponent(locale)}`)).json();
  },

  /** @param {string} locale @param {string} page @param {Identity|undefined} identity @returns {Promise<Session>} */
  async start(locale, page, identity) {
    const body = { locale, page_url: page, ...(identity?.creator && { creator: identity.creator }) };
    return (await call("/v1/conversations", { method: "POST", token: identity?.jwt, body })).json();
  },

  /** @param {Session} session @returns {Promise<{locale: string, messages: Message[], ticket: Ticket|null}>} */
  async transcript(session) {
    return (await call(at(session.id), { token: session.token })).json();
  },

  /**
   * @param {Session} session
   * @param {Outgoing} message
   * @returns {AsyncGenerator<import("./stream.js").ServerEvent>}
   */
  async *send(session, { text, client_id }) {
    const limit = patience(TURN_SILENCE);
    try {
      const response = await call(`${at(session.id)}/messages`, {
        method: "POST", token: session.token, body: { text, client_id },
        headers: { Accept: "text/event-stream", "Idempotency-Key": client_id }, signal: limit.abort.signal,
      });
      const type = response.headers.get("Content-Type") ?? "";
      if (type.startsWith("text/event-stream")) {
        for await (const event of events(response, limit.touch)) {
          if (event.event === "error") throw new Problem(event.data.status ?? 500, event.data);
          yield event;
        }
      } else if (response.status === 202 || response.status === 204) {
        yield { event: "accepted", data: null, id: "" };
      } else {
        yield { event: "reply", data: await response.json(), id: "" };
      }
    } catch (error) {
      throw error instanceof Problem ? error : new Problem(0);
    } finally {
      limit.end();
    }
  },

  /** @param {Session} session @param {number} last @param {AbortSignal} signal */
  events(session, last, signal) {
    return call(`${at(session.id)}/events`, {
      token: session.token, signal, headers: { Accept: "text/event-stream", "Last-Event-ID": String(last) },
    });
  },

  /** @param {Session} session @param {string} email @param {string} key the same for every try, so that a repeat opens nothing twice @returns {Promise<Ticket>} */
  async handover(session, email, key) {
    const body = { reason: "asked_for_human", ...(email && { email }) };
    return (await call(`${at(session.id)}/handover`, {
      method: "POST", token: session.token, body, headers: { "Idempotency-Key": key },
    })).json();
  },

  /** @param {Session} session @param {string} messageId @param {boolean} helpful */
  async feedback(session, messageId, helpful) {
    await call(`/v1/messages/${encodeURIComponent(messageId)}/feedback`, {
      method: "POST", token: session.token, body: { helpful }, headers: { "Idempotency-Key": newId() },
    });
  },
};

/** @returns {string} a random id; `crypto.randomUUID` is missing on plain http, where people try things out */
export function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
