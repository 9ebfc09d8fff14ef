// Makes elements: knows tags and properties, never markup, so nothing passed here can become HTML.

/**
 * @param {string} tag
 * @param {Record<string, any>} [props] `on…` are listeners, names with a dash or `role` are attributes, the rest are properties
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {any}
 */
export function el(tag, props = {}, ...children) {
  const node = /** @type {any} */ (document.createElement(tag));
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** @param {string} d the path of a 24 × 24 outline */
export function icon(d) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(svg.namespaceURI, "path"));
  /** @type {Element} */ (svg.firstChild).setAttribute("d", d);
  return svg;
}

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);
