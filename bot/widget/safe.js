// Turns the server's HTML into nodes: knows the few elements that an answer may hold, and trusts nobody for the rest.

const KEPT = new Set(
  "p ol ul li strong em code a h3 h4 blockquote br pre table caption thead tbody tr th td".split(" "),
);
// Their text was never meant to be read, so showing it would be noise rather than caution.
const DROPPED = new Set("script style template noscript iframe object".split(" "));

/**
 * The address if it may be followed, else null.
 * @param {unknown} href
 * @returns {string|null}
 */
export function safeHref(href) {
  if (typeof href !== "string") return null;
  const rooted = href.startsWith("/");
  if (!rooted && !/^https?:\/\//i.test(href)) return null;
  let url;
  try {
    url = new URL(href, location.origin);
  } catch {
    return null;
  }
  // "//evil", "/\evil" and "/<tab>/evil" look rooted and are not; only the parsed origin tells.
  if (rooted && url.origin !== location.origin) return null;
  return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
}

/**
 * @param {string} html
 * @returns {DocumentFragment}
 */
export function rebuild(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const made = document.createDocumentFragment();
  copy(parsed.body, made);
  return made;
}

/** @param {Node} from @param {Node} to */
function copy(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.appendChild(document.createTextNode(node.nodeValue ?? ""));
    if (!(node instanceof Element)) continue;
    const tag = node.localName;
    if (DROPPED.has(tag)) continue;
    if (!KEPT.has(tag) || node.namespaceURI !== "http://www.w3.org/1999/xhtml") {
      to.appendChild(document.createTextNode(node.textContent ?? ""));
      continue;
    }
    const twin = tag === "a" ? link(node) : document.createElement(tag);
    // A procedure that is cut by a note goes on counting where it was.
    const start = tag === "ol" && node.getAttribute("start");
    if (start && /^\d{1,4}$/.test(start)) /** @type {HTMLOListElement} */ (twin).start = Number(start);
    to.appendChild(twin);
    copy(node, twin);
  }
}

/** @param {Element} node */
function link(node) {
  const href = safeHref(node.getAttribute("href"));
  if (!href) return document.createElement("span");
  const a = document.createElement("a");
  a.href = href;
  a.target = "_blank";
  a.rel = "noopener";
  if (node.classList.contains("cite")) a.className = "cite";
  const n = node.getAttribute("data-n");
  if (n && /^\d{1,3}$/.test(n)) a.dataset.n = n;
  return a;
}
