// The mapping preview and the suggestions follow what is typed. Without this script the preview's button does the same.
// A request of its own rather than htmx's, because each keystroke may outdate the one under way, and leaving the page too.
const PARTS = ["preview", "listed", "listed-environments"];
const panel = document.querySelector("[data-preview]");
const form = document.getElementById(panel.dataset.preview);
let timer;
let running = new AbortController();

async function show() {
  running.abort();
  running = new AbortController();
  const data = new FormData(form);
  data.set("add", "preview"); // the button's name and value: the form comes back as typed, nothing is stored
  try {
    const answer = await fetch(location.href, { method: "POST", body: data, signal: running.signal });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    PARTS.forEach((id) => renew(document.getElementById(id), page.getElementById(id)));
  } catch {
    // Outdated, or the server is away: what is shown stays.
  }
}

// Only what changed, so that suggestions that are open stay open; htmx has to learn of a part that asks again by itself.
function renew(shown, fresh) {
  if (!shown || !fresh || shown.isEqualNode(fresh)) return;
  const folds = fresh.querySelectorAll("details");
  shown.querySelectorAll("details").forEach((fold, place) => folds[place]?.toggleAttribute("open", fold.open));
  shown.replaceWith(fresh);
  htmx.process(fresh);
}

function later(event) {
  if (event.target.form !== form) return;
  clearTimeout(timer);
  timer = setTimeout(show, 400);
}

function stop() {
  clearTimeout(timer);
  running.abort();
}

document.addEventListener("input", later);
form.addEventListener("submit", stop);
window.addEventListener("pagehide", stop);
// Rows come and go by htmx; the preview follows. Suggestions that came later change nothing in it.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id.startsWith("listed")) return;
  clearTimeout(timer);
  timer = setTimeout(show, 50);
});
