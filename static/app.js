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

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// The server shows times in the browser's zone only when it is told its name.
document.addEventListener("submit", (event) => {
  const zone = event.target.querySelector("[data-zone]");
  if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
});
