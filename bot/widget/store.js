// Remembers one tab's conversation across reloads: knows storage, not what a conversation is for.

/**
 * @typedef {{client_id: string, text: string, label?: string}} Outgoing a message that no reply has been seen for
 * @typedef {{id: string, token: string, greeting: string, suggestions: string[]}} Session
 */

export class Store {
  /** @param {string} host two sites in one tab must not share a conversation, where browsers do not part them already */
  constructor(host) {
    this.key = `callboard:${host}`;
    /** @type {Session|null} */ this.session = null;
    /** @type {Outgoing[]} */ this.outbox = [];
    /** @type {string[]} */ this.dismissed = [];
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "{}");
      this.session = kept.session ?? null;
      this.outbox = kept.outbox ?? [];
      this.dismissed = kept.dismissed ?? [];
    } catch {
      // Storage can be forbidden in frames; the conversation then lives as long as the page.
    }
  }

  save() {
    const { session, outbox, dismissed } = this;
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ session, outbox, dismissed }));
    } catch {
      // See the constructor.
    }
  }

  /** @param {Session|null} session */
  keep(session) {
    this.session = session;
    this.save();
  }

  /** @param {Outgoing} message */
  add(message) {
    if (!this.outbox.some((other) => other.client_id === message.client_id)) this.outbox.push(message);
    this.save();
  }

  /** @param {string} clientId */
  settle(clientId) {
    this.outbox = this.outbox.filter((message) => message.client_id !== clientId);
    this.save();
  }

  /** @param {string} notice */
  dismiss(notice) {
    this.dismissed.push(notice);
    this.save();
  }

  forget() {
    this.outbox = [];
    this.keep(null);
  }
}
