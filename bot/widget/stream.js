// Reads event streams over fetch, once or for ever: knows the wire format and patience, not what an event means.

/**
 * @typedef {{event: string, data: any, id: string}} ServerEvent
 */

/**
 * Aborts when nobody has called `touch` for a while: a dead connection reports nothing by itself.
 * @param {number} ms
 */
export function patience(ms) {
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), ms);
  return {
    abort,
    touch() {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), ms);
    },
    end() {
      clearTimeout(timer);
    },
  };
}

/**
 * @param {Response} response
 * @param {() => void} [touch] called for every chunk, comments included
 * @returns {AsyncGenerator<ServerEvent>}
 */
export async function* events(response, touch = () => {}) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let rest = "", event = "", id = "";
  /** @type {string[]} */ let data = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      touch();
      rest += decoder.decode(value, { stream: true });
      // A lone CR at the end may be half of a CRLF that is still under way.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = /** @type {string} */ (lines.pop());
      for (const line of lines) {
        if (line === "") {
          if (data.length) yield { event: event || "message", data: parse(data.join("\n")), id };
          event = "";
          data = [];
          continue;
        }
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const content = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "event") event = content;
        else if (field === "data") data.push(content);
        else if (field === "id") id = content;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const FIRST = 1000, LONGEST = 30_000, SILENCE = 90_000;
const FINAL = new Set([401, 403, 404, 410]);

/**
 * Stays connected until stopped.
 * @param {(signal: AbortSignal) => Promise<Response>} open rejects with an error that has a `status` if the server refused
 * @param {{on: (event: ServerEvent) => void, state: (up: boolean) => void}} hear
 * @returns {{stop: () => void, hurry: () => void}}
 */
export function follow(open, { on, state }) {
  let stopped = false, wait = FIRST, failures = 0;
  /** @type {AbortController|undefined} */ let abort;
  let hurry = () => {};

  (async () => {
    while (!stopped) {
      const limit = patience(SILENCE);
      abort = limit.abort;
      const began = Date.now();
      try {
        const response = await open(abort.signal);
        failures = 0;
        state(true);
        for await (const event of events(response, limit.touch)) {
          if (stopped) break;
          wait = FIRST;
          on(event);
        }
      } catch (error) {
        if (FINAL.has(/** @type {any} */ (error).status)) stopped = true;
        failures += 1;
      } finally {
        limit.end();
      }
      if (stopped) return;
      // One broken connection is ordinary; two in a row are worth telling.
      if (failures > 1) state(false);
      if (Date.now() - began > 5000) wait = FIRST;
      await new Promise((resolve) => {
        hurry = () => resolve(undefined);
        // Spread out, so that a restarted server is not met by everybody at once.
        setTimeout(resolve, wait * (0.5 + Math.random() / 2));
      });
      wait = Math.min(wait * 2, LONGEST);
    }
  })();

  return {
    stop() {
      stopped = true;
      abort?.abort();
      hurry();
    },
    hurry() {
      wait = FIRST;
      hurry();
    },
  };
}
