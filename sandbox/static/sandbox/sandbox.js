// Follows a thrown exception: while the page says it travels, its right half is fetched again each second.
const PATIENCE = 70;

async function follow(rounds) {
  const part = document.querySelector("#watch[data-follow]");
  if (!part || rounds === 0) return;
  await new Promise((done) => setTimeout(done, 1000));
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (answer?.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("#watch");
    part.replaceChildren(...fresh.childNodes);
    part.toggleAttribute("data-follow", fresh.hasAttribute("data-follow"));
  }
  follow(rounds - 1);
}

follow(PATIENCE);
