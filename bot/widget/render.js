// Draws messages and cards: knows how each looks, not when one comes or what a tap does.
import { el, icon } from "./dom.js";
import { rebuild, safeHref } from "./safe.js";

/**
 * @typedef {Record<string, string>} Ui
 * @typedef {{ask: (question: string, label?: string) => void, rate: (messageId: string, helpful: boolean) => Promise<void>}} Acts
 */

const UP = "M7 11l4-8a3 3 0 0 1 3 3v3h5a2 2 0 0 1 2 2.3l-1.2 7A2 2 0 0 1 17.8 20H7zM7 11H3v9h4";
const DOWN = "M17 13l-4 8a3 3 0 0 1-3-3v-3H5a2 2 0 0 1-2-2.3l1.2-7A2 2 0 0 1 6.2 4H17zM17 13h4V4h-4";
const TICKET = "M4 6h16v4a2 2 0 0 0 0 4v4H4v-4a2 2 0 0 0 0-4zM14 6v12";

/**
 * @param {import("./api.js").Message} message
 * @param {Ui} ui
 * @returns {HTMLElement}
 */
export function bubble(message, ui) {
  const who = { creator: ui.you, bot: ui.bot, agent: ui.agent, system: "" }[message.role];
  const body = el("div", { className: "bubble", dir: "auto" });
  // What the creator wrote is never HTML, whatever a transcript says.
  const html = message.role !== "creator" && (message.html || message.reply?.html);
  if (html) body.append(rebuild(html));
  else body.append(el("p", { className: "plain" }, message.text ?? ""));
  for (const mark of body.querySelectorAll("a.cite")) {
    const source = message.reply?.citations?.find((c) => String(c.n) === mark.dataset.n);
    if (source) mark.title = place(source);
  }
  return el("div", { className: `message ${message.role}` }, who && el("span", { className: "who" }, who), body);
}

/** @param {import("./api.js").Citation} citation */
const place = ({ title, section }) => (section && section !== title ? `${title} › ${section}` : title);

/**
 * What follows an answer: sources, ways on, thumbs.
 * @param {import("./api.js").Message} message
 * @param {Ui} ui
 * @param {Acts} acts
 */
export function extras(message, ui, acts) {
  const { reply } = message;
  // The log has read the answer out already; the rest is there to be found, not announced.
  const box = el("div", { className: "extras", "aria-live": "off" });
  if (reply?.citations?.length) box.append(sources(reply.citations, ui));
  if (reply?.kind === "answer") box.append(thumbs(message.id, ui, acts));
  return box;
}

/** @param {import("./api.js").Citation[]} citations @param {Ui} ui */
function sources(citations, ui) {
  const items = citations.map((citation) => {
    const href = safeHref(citation.url);
    const name = place(citation);
    return el("li", { value: citation.n, lang: citation.locale ?? "" },
      href ? el("a", { href, target: "_blank", rel: "noopener", dir: "auto" }, name) : el("span", { dir: "auto" }, name),
      citation.quote && el("blockquote", { dir: "auto" }, citation.quote));
  });
  return el("details", { className: "sources", open: true }, el("summary", {}, ui.sources), el("ol", {}, ...items));
}

/** @param {string} id @param {Ui} ui @param {Acts} acts */
function thumbs(id, ui, acts) {
  const both = [[true, ui.helpful_yes, UP], [false, ui.helpful_no, DOWN]].map(([helpful, label, path]) =>
    el("button", {
      type: "button", title: label, "aria-label": label, "aria-pressed": "false",
      async onclick(/** @type {any} */ { currentTarget: mine }) {
        const before = both.map((button) => button.getAttribute("aria-pressed"));
        for (const button of both) button.setAttribute("aria-pressed", String(button === mine));
        try {
          await acts.rate(id, /** @type {boolean} */ (helpful));
        } catch {
          both.forEach((button, i) => button.setAttribute("aria-pressed", before[i]));
        }
      },
    }, icon(/** @type {string} */ (path))));
  return el("div", { className: "thumbs" }, ...both);
}

/**
 * @param {{label: string, question: string}[]} choices
 * @param {Acts} acts
 */
export function choices(choices, acts) {
  return choices.map(({ label, question }) =>
    el("button", { type: "button", className: "chip", dir: "auto", onclick: () => acts.ask(question, label) }, label));
}

/** @param {import("./api.js").Ticket} ticket @param {Ui} ui */
export function ticketCard(ticket, ui) {
  const card = el("div", { className: "ticket" });
  card.dataset.number = String(ticket.number);
  card.append(icon(TICKET), el("p", { dir: "auto" }, ...ticketWords(ui.ticket, String(ticket.number))));
  return card;
}

/** @param {string} phrase @param {string} number */
function ticketWords(phrase = "", number) {
  const [before, after] = phrase.includes("{number}") ? phrase.split("{number}") : [`${phrase} `, ""];
  // Kept in one direction of its own, or "CB-12" turns round inside Arabic.
  return [before, el("bdi", {}, number), after];
}

/**
 * @param {import("./api.js").Notice} notice
 * @param {Ui} ui
 * @param {() => void} dismiss
 */
export function noticeBar(notice, ui, dismiss) {
  const bar = el("div", { className: "notice" },
    el("p", { dir: "auto" }, el("strong", {}, notice.title), " ", notice.text ?? ""),
    el("button", {
      type: "button", className: "icon", "aria-label": ui.dismiss, title: ui.dismiss,
      onclick() { bar.remove(); dismiss(); },
    }, icon("M6 6l12 12M18 6L6 18")));
  return bar;
}

/**
 * What stands under a message that was not delivered.
 * @param {Ui} ui
 * @param {string} detail the server's own words, if it had any
 * @param {(() => void)|null} again null if the same words would fail again
 */
export function failure(ui, detail, again) {
  return el("div", { className: "failed" },
    el("span", { role: "alert", dir: "auto" }, detail || ui.offline),
    again && el("button", { type: "button", onclick: again }, ui.retry));
}
