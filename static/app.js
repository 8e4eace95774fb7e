// Comfort on top of pages that work without it. htmx does the swapping; this marks the page, copies, and knows the zone.
document.documentElement.classList.add("js");

function announce(words) {
  const region = document.getElementById("announce");
  if (region) region.textContent = words;
}

// The text of `data-copy`; or of the address in `data-copy-from`, where the page shows it in another form.
async function textOf({ copy: place, copyFrom }) {
  if (!copyFrom) return document.querySelector(place).textContent.trim();
  const answer = await fetch(copyFrom);
  if (!answer.ok || answer.redirected) throw new Error("There is nothing to copy.");
  return answer.text();
}

async function copy(button) {
  const { copy: place, copyFrom } = button.dataset;
  try {
    // A promise, so that the press still counts as the wish to copy while the text is on its way.
    const blob = textOf(button.dataset).then((text) => new Blob([text], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    say(button, "Copied");
    announce("Copied");
  } catch {
    // No clipboard (plain http, or refused): show the text, or select it, so that one keystroke copies it.
    if (copyFrom) return location.assign(copyFrom);
    getSelection().selectAllChildren(document.querySelector(place));
    announce("Selected: press Ctrl+C to copy");
  }
}

// A button says for a moment what it did, for those who do not hear it.
function say(button, words) {
  const label = [...button.childNodes].find((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const before = label.data;
  if (before === words) return;
  label.data = words;
  setTimeout(() => { label.data = before; }, 2000);
}

// A swap that cannot be made must leave the page as it is, and say so where it is seen.
function trouble(words) {
  const region = document.getElementById("trouble");
  if (!region) return;
  region.className = words ? "note warn" : "";
  region.textContent = words;
  if (words) announce(words);
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const answered = new URL(event.detail.xhr.responseURL || location.href);
  const isLogin = answered.pathname === "/login/";
  if (isLogin) event.detail.shouldSwap = false;
  if (event.detail.shouldSwap) trouble("");
  if (isLogin) trouble("Your session has ended. Copy what you typed, then reload this page to log in.");
});
document.addEventListener("htmx:responseError", (event) => {
  trouble(`That did not work (${event.detail.xhr.status}). Nothing here has changed; try again in a moment.`);
});
document.addEventListener("htmx:sendError", () => {
  trouble("The server cannot be reached. Nothing here has changed; try again in a moment.");
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy],[data-copy-from]");
  if (button) copy(button);
});

// What is known already is filled in at a press; the field stays a plain one, and the focus goes to it.
function fill(id, value) {
  const field = document.getElementById(id);
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return field;
}
document.addEventListener("click", (event) => {
  const { fill: id, value, also, alsoValue } = event.target.closest("[data-fill]")?.dataset ?? {};
  if (!id) return;
  if (alsoValue) fill(also, alsoValue);
  fill(id, value).focus();
});

// A menu closes on Escape, with the focus back on what opened it, and when something else is clicked.
function closeMenus(except) {
  for (const menu of document.querySelectorAll(".more-acts[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector(".more-acts[open]");
  if (!menu) return;
  closeMenus(null);
  menu.querySelector("summary").focus();
});

// An address to share holds what is asked for, not the fields that were left empty.
document.addEventListener("formdata", (event) => {
  if (event.target.getAttribute("role") !== "search") return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

// A second press while the first is on its way would do it again, and show the answer to that: "there already".
const WAIT = 5000; // ms, should an answer never come
let sent = new WeakSet();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (sent.has(form)) return event.preventDefault();
  sent.add(form);
  setTimeout(() => sent.delete(form), WAIT);
});
window.addEventListener("pageshow", () => { sent = new WeakSet(); });

// The server shows times in the browser's zone only when it is told its name.
document.addEventListener("submit", (event) => {
  const zone = event.target.querySelector("[data-zone]");
  if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
});

// Nobody looks at a hidden tab: what refreshes itself rests there.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.closest("[data-tail]")) event.preventDefault();
});
