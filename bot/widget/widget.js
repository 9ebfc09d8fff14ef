/* The launcher that a host page loads: knows the page's corner and the frame's address, never what is said inside the frame. */
(() => {
  "use strict";
  const early = window.Callboard;
  if (early?.live) return;

  const { src, dataset } = document.currentScript;
  const HOST = new URL(src).origin;
  let locale = dataset.locale || document.documentElement.lang || navigator.language;

  // The real words come from the frame; these only cover the time before anybody has opened it.
  const word = dataset.label || { fr: "Aide", es: "Ayuda", de: "Hilfe", pt: "Ajuda", ar: "مساعدة" }[locale.slice(0, 2)] || "Help";
  let labels = { open: word, close: word, title: word };

  let frame, ready = false, shown = false, unread = 0, identity;
  const waiting = [], listeners = {};

  const accent = /^#([\da-f]{3}){1,2}$/i.test(dataset.color) ? dataset.color : "#0f766e";
  const [r, g, b] = (accent.length < 5 ? accent.replace(/\w/g, "$&$&") : accent).match(/\w\w/g).map((x) => parseInt(x, 16));
  const ink = r * 0.3 + g * 0.59 + b * 0.11 > 150 ? "#111" : "#fff";
  const side = dataset.position === "left" ? "left" : "right";

  // A constructed sheet, because a strict style-src on the host page forbids <style> elements but not this.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host{all:initial!important;color-scheme:light dark!important}
    .panel,.button{position:fixed;${side}:20px;z-index:2147483000;box-sizing:border-box}
    .panel{bottom:92px;width:min(400px,calc(100vw - 40px));height:min(680px,calc(100vh - 112px));border-radius:18px;overflow:hidden;
      background:Canvas;box-shadow:0 0 0 1px #8884,0 16px 48px #0003;animation:in .18s ease-out}
    .panel[hidden]{display:none}
    @keyframes in{from{opacity:0;transform:translateY(10px)}}
    iframe{border:0;display:block;width:100%;height:100%}
    .button{bottom:20px;width:56px;height:56px;padding:14px;border:0;border-radius:50%;background:${accent};color:${ink};cursor:pointer;box-shadow:0 4px 16px #0004}
    .button:hover{filter:brightness(1.1)}
    .button:focus-visible{outline:3px solid ${accent};outline-offset:3px;box-shadow:0 0 0 3px #fff}
    svg{display:block;width:28px;height:28px;fill:none;stroke:currentColor;stroke-width:2}
    b{position:absolute;top:-3px;right:-3px;min-width:22px;height:22px;border-radius:11px;background:#b91c1c;color:#fff;font:600 13px/22px system-ui,sans-serif}
    b:empty{display:none}
    @media (max-width:479px){
      .panel{left:0;right:0;bottom:auto;top:var(--callboard-top,0);width:100%;height:var(--callboard-height,100dvh);border-radius:0}
      .panel:not([hidden])~.button{display:none}}
    @media (forced-colors:active){.button{border:2px solid ButtonText}}
    @media (prefers-reduced-motion:reduce){.panel{animation:none}}
    @media print{*{display:none}}`);

  const host = document.createElement("callboard-widget");
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sheet];
  const panel = document.createElement("div");
  panel.className = panel.id = "panel";
  panel.hidden = true;
  panel.setAttribute("role", "dialog");
  const button = document.createElement("button");
  button.className = "button";
  button.type = "button";
  button.setAttribute("aria-controls", "panel");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = svg.appendChild(document.createElementNS(svg.namespaceURI, "path"));
  const badge = document.createElement("b");
  button.append(svg, badge);
  root.append(panel, button);

  function draw() {
    path.setAttribute("d", shown ? "M6 9l6 6 6-6" : "M4 5h16v11H10l-5 4v-4H4z");
    button.setAttribute("aria-expanded", String(shown));
    button.setAttribute("aria-label", (shown ? labels.close : labels.open) + (unread ? ` (${unread})` : ""));
    panel.setAttribute("aria-label", labels.title);
    if (frame) frame.title = labels.title;
    badge.textContent = unread ? String(unread) : "";
  }

  function post(type, value) {
    if (ready) frame.contentWindow.postMessage({ callboard: 1, type, value }, HOST);
    else waiting.push([type, value]);
  }

  function emit(name, data) {
    for (const fn of listeners[name] || []) try { fn(data); } catch (error) { console.error(error); }
  }

  function open() {
    if (!frame) {
      frame = document.createElement("iframe");
      frame.src = `${HOST}/widget/chat?locale=${encodeURIComponent(locale)}&host=${encodeURIComponent(location.origin)}`;
      panel.append(frame);
    }
    if (shown) return;
    shown = true;
    unread = 0;
    panel.hidden = false;
    draw();
    frame.focus();
    post("open");
    emit("open");
  }

  function close() {
    if (!shown) return;
    const held = document.activeElement === host;
    shown = false;
    panel.hidden = true;
    draw();
    if (held) button.focus();
    post("close");
    emit("close");
  }

  const verbs = {
    open, close,
    ask(text) { open(); post("ask", String(text)); },
    identify(who) { identity = who; if (ready) post("identify", who); },
    locale(tag) { locale = tag; if (ready) post("locale", locale); },
    on(name, fn) { (listeners[name] ||= []).push(fn); },
  };

  function Callboard(verb, ...rest) {
    if (Object.hasOwn(verbs, verb)) verbs[verb](...rest);
    else console.warn(`Callboard: no "${verb}", only ${Object.keys(verbs)}`);
  }
  Callboard.live = true;
  window.Callboard = Callboard;

  const heard = {
    ready(words) {
      ready = true;
      // Without its query: a host's own query strings can carry secrets.
      const page = location.origin + location.pathname;
      post("init", { locale, color: accent, page, identity });
      for (const [type, value] of waiting.splice(0)) post(type, value);
      heard.labels(words);
      emit("ready");
    },
    labels(words) { labels = { ...labels, ...words }; draw(); },
    close,
    unread(count) { unread = shown ? 0 : Number(count) || 0; draw(); },
    event(what) { emit(String(what.name), what.data); },
  };

  addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== HOST) return;
    const { callboard, type, value } = event.data || {};
    if (callboard === 1 && Object.hasOwn(heard, type)) heard[type](value);
  });
  button.addEventListener("click", () => (shown ? close() : open()));
  root.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });

  // Phones lay their keyboard over fixed boxes; only the visual viewport knows how much is left.
  const view = window.visualViewport;
  view?.addEventListener("resize", () => {
    if (view.scale !== 1) return;
    host.style.setProperty("--callboard-height", `${view.height}px`);
    host.style.setProperty("--callboard-top", `${view.offsetTop}px`);
  });

  draw();
  const mount = () => document.body.append(host);
  if (document.body) mount();
  else addEventListener("DOMContentLoaded", mount);
  for (const call of early?.q || []) Callboard(...call);
})();
