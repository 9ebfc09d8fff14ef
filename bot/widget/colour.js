// Makes one accent colour legible: knows contrast, not what is drawn with it.

/** @typedef {[number, number, number]} RGB */

/** @type {RGB} */ const BLACK = [17, 17, 17];
/** @type {RGB} */ const WHITE = [255, 255, 255];
// The surfaces that links stand on in chat.css; the two files change together.
/** @type {RGB} */ const LIGHT_SURFACE = [240, 243, 245];
/** @type {RGB} */ const DARK_SURFACE = [38, 43, 49];

/** @param {string} hex @returns {RGB|null} */
function parse(hex) {
  const match = /^#([\da-f]{3}|[\da-f]{6})$/i.exec(hex);
  if (!match) return null;
  const six = match[1].length === 3 ? match[1].replace(/./g, "$&$&") : match[1];
  return /** @type {RGB} */ ([0, 2, 4].map((at) => parseInt(six.slice(at, at + 2), 16)));
}

/** @param {RGB} rgb */
function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {RGB} a @param {RGB} b */
function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** @param {RGB} from @param {RGB} to @param {number} part @returns {RGB} */
const mix = (from, to, part) => /** @type {RGB} */ (from.map((c, i) => Math.round(c + (to[i] - c) * part)));

/** @param {RGB} colour @param {RGB} towards @param {RGB} surface */
function until(colour, towards, surface) {
  for (let part = 0; part < 1; part += 0.05) {
    const mixed = mix(colour, towards, part);
    if (contrast(mixed, surface) >= 4.6) return mixed;
  }
  return towards;
}

/**
 * @param {string} hex
 * @param {HTMLElement} target whose custom properties are set; left alone if `hex` is no colour
 */
export function paint(hex, target) {
  const accent = parse(hex);
  if (!accent) return;
  const ink = contrast(accent, WHITE) >= 4.5 ? WHITE : BLACK;
  const css = (/** @type {RGB} */ rgb) => `rgb(${rgb.join(" ")})`;
  // A middling accent is too light for white and too dark for black; it gives way, the words do not.
  target.style.setProperty("--accent", css(until(accent, ink === WHITE ? BLACK : WHITE, ink)));
  target.style.setProperty("--on-accent", css(ink));
  target.style.setProperty("--link-light", css(until(accent, BLACK, LIGHT_SURFACE)));
  target.style.setProperty("--link-dark", css(until(accent, WHITE, DARK_SURFACE)));
}
