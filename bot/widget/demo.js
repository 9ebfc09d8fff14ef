// Ties the front page's buttons to the widget: knows the public calls and nothing else of it.

// The documented stub: calls made before the launcher has loaded wait in line.
window.Callboard ||= function () {
  (window.Callboard.q ||= []).push(arguments);
};

const wanted = new URLSearchParams(location.search).get("locale");
if (wanted) window.Callboard("locale", wanted);

for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", () => window.Callboard("ask", button.dataset.ask));
}
document.querySelector("[data-open]").addEventListener("click", () => window.Callboard("open"));
document.getElementById("tag").textContent = `<script async src="${location.origin}/widget.js"></script>`;
