// Comfort on top of pages that work without it. htmx does the swapping; this marks the page, copies, and knows the zone.
document.documentElement.classList.add("js");

function announce(words) {
  const region = document.getElementById("announce");
  if (region) region.textContent = words;
}

async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    announce("Copied");
  } catch {
    // No clipboard (plain http, or refused): select the text, so that one keystroke copies it.
    getSelection().selectAllChildren(source);
    announce("Selected: press Ctrl+C to copy");
  }
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
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// The server shows times in the browser's zone only when it is told its name.
document.addEventListener("submit", (event) => {
  const zone = event.target.querySelector("[data-zone]");
  if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
});

// Nobody looks at a hidden tab: what refreshes itself rests there.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.closest("[data-tail]")) event.preventDefault();
});
