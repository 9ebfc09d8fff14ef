// Keeps the column of messages: knows what is shown already and where the reader is, not where messages come from.
import { byId, el } from "./dom.js";
import { rebuild } from "./safe.js";

const NEAR = 48, SHORT = 72;
// Less than what stands between two messages, so that no edge of the one before shows.
const GAP = 8;

export class Log {
  constructor() {
    /** @type {HTMLElement} */ this.scroller = byId("scroller");
    /** @type {HTMLElement} */ this.list = byId("log");
    /** @type {HTMLElement} */ this.draftBox = byId("draft");
    /** @type {HTMLElement} */ this.chipBox = byId("chips");
    /** @type {HTMLElement} */ this.jump = byId("jump");
    /** @type {HTMLElement|null} */ this.latest = null;
    this.lastSeq = 0;
    this.pinned = true;
    /** @type {Set<string>} */ this.seen = new Set();
    this.scroller.addEventListener("scroll", () => {
      this.pinned = this.#bottom() - this.scroller.scrollTop < NEAR;
      if (this.pinned) this.jump.hidden = true;
    }, { passive: true });
    this.jump.addEventListener("click", () => this.toEnd());
    // Keyboards, banners and the handover form take room from below, where the last words stand.
    new ResizeObserver(() => { if (this.pinned) this.toEnd(); }).observe(this.scroller);
  }

  /**
   * True the first time that a message comes by, whichever way it came.
   * @param {Partial<import("./api.js").Message>} message
   */
  isNew({ seq, id, role, client_id, reply }) {
    if (seq) this.lastSeq = Math.max(this.lastSeq, seq);
    const names = [];
    if (seq) names.push(`seq ${seq}`);
    if (id) names.push(`id ${id}`);
    if (reply?.id) names.push(`id ${reply.id}`);
    // A reply may carry the client_id of the question that it answers.
    if (role === "creator" && client_id) names.push(`client ${client_id}`);
    const fresh = !names.some((name) => this.seen.has(name));
    for (const name of names) this.seen.add(name);
    return fresh;
  }

  /** A new conversation counts from one again. */
  recount() {
    this.lastSeq = 0;
    for (const name of this.seen) if (name.startsWith("seq ")) this.seen.delete(name);
  }

  /**
   * @param {HTMLElement} node announced by being added, once
   * @param {...(HTMLElement|null|undefined)} more what hangs on it
   */
  add(node, ...more) {
    this.latest = node;
    this.list.append(node);
    for (const other of more) if (other) this.list.append(other);
    if (this.pinned) this.#show(node);
    else if (node.offsetTop > this.scroller.scrollTop + this.scroller.clientHeight - NEAR) this.jump.hidden = false;
  }

  /** @param {(Node|string)[]} chips */
  offer(chips) {
    this.chipBox.replaceChildren(...chips);
    if (this.pinned) this.#show(this.latest);
  }

  /**
   * The place where an answer grows; hidden from screen readers, which get the finished one from the log.
   * @param {string} who
   */
  draft(who) {
    const body = el("div", { className: "bubble", dir: "auto" });
    const dots = el("span", { className: "dots" }, el("i"), el("i"), el("i"));
    const node = el("div", { className: "message bot" }, el("span", { className: "who" }, who), body);
    body.append(dots);
    this.draftBox.append(node);
    if (this.pinned) this.toEnd();
    return {
      add: (/** @type {string} */ html) => {
        const part = rebuild(html);
        // A sentence of a paragraph arrives bare or wrapped, depending on the server; side by side they must read as one.
        if (!part.firstElementChild?.matches("p, ol, ul, table, blockquote, pre, h3, h4")) part.append(" ");
        dots.before(part);
        if (this.pinned) this.#show(node);
      },
      clear: () => body.replaceChildren(dots),
      remove: () => node.remove(),
    };
  }

  toEnd() {
    this.scroller.scrollTop = this.#bottom();
    this.pinned = true;
    this.jump.hidden = true;
  }

  clear() {
    this.list.replaceChildren();
    this.draftBox.replaceChildren();
    this.chipBox.replaceChildren();
    this.jump.hidden = true;
    this.seen.clear();
    this.latest = null;
    this.lastSeq = 0;
    this.pinned = true;
  }

  #bottom() {
    return this.scroller.scrollHeight - this.scroller.clientHeight;
  }

  /** @param {any} node shown from its beginning, because an answer that is longer than the window is read from the top */
  #show(node) {
    if (!node) return;
    // A short question stays in sight above its answer.
    const asked = node.previousElementSibling ?? this.list.lastElementChild;
    const first = asked?.matches(".creator") && asked.offsetHeight < SHORT ? asked : node;
    this.scroller.scrollTop = Math.min(this.#bottom(), first.offsetTop - GAP);
  }
}
