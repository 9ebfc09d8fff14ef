// Talks with the page that holds the frame: knows origins and envelopes, not what the letters are about.

/**
 * @param {string} origin the parent's, as the launcher named it
 * @param {string[]} allowed
 * @param {Record<string, (value: any) => void>} heard
 * @returns {((type: string, value?: any) => void)|null} how to tell the parent something; null if it may not hear anything
 */
export function listen(origin, allowed, heard) {
  if (window.parent === window || !isOrigin(origin)) return null;
  // The server's own pages hold the widget too, whatever the list says.
  if (!allowed.includes("*") && !allowed.includes(origin) && origin !== location.origin) return null;
  addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== origin) return;
    const { callboard, type, value } = event.data ?? {};
    if (callboard === 1 && Object.hasOwn(heard, type)) heard[type](value);
  });
  return (type, value) => window.parent.postMessage({ callboard: 1, type, value }, origin);
}

/** @param {string} text */
function isOrigin(text) {
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}
