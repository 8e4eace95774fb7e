// The mapping preview follows what is typed. Without this script its button does the same.
// A request of its own rather than htmx's, because each keystroke may outdate the one under way, and leaving the page too.
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
    const fresh = page.getElementById("preview");
    if (fresh) document.getElementById("preview").replaceWith(fresh);
  } catch {
    // Outdated, or the server is away: what is shown stays.
  }
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
// Rows come and go by htmx; the preview follows.
document.addEventListener("htmx:afterSettle", () => {
  clearTimeout(timer);
  timer = setTimeout(show, 50);
});
