// The case that is open: keys that decide it, and a look every few seconds whether somebody else has.
import { bind } from "./keys.js";

const EVERY_MS = 5000;
const page = document.getElementById("case");
const form = document.querySelector("form.decide");

// As the suggestion has it, whatever was chosen before; what was written stays.
function chooseSuggested() {
  for (const one of form.querySelectorAll("[data-suggested]")) {
    if (one.matches("option")) one.selected = true;
    else one.checked = true;
  }
}

function lock() {
  for (const field of page.querySelectorAll("form.change :is(button, input, select)")) field.disabled = true;
  for (const field of page.querySelectorAll("form.change textarea")) field.readOnly = true;
}

let looking = setInterval(look, EVERY_MS);

function stop() {
  clearInterval(looking);
  looking = null;
}

async function look() {
  if (document.hidden || looking === null) return;
  // A lost connection is told by other means, and comes back.
  const answer = await fetch(page.dataset.standing, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer === null || answer.status === 204 || looking === null) return;
  stop();
  if (answer.status !== 200) return;
  document.getElementById("meanwhile").innerHTML = await answer.text();
  lock();
}

if (form) {
  // What was written before the case changed is not hidden with the form it stands in.
  const folded = form.closest("details");
  if (folded && form.querySelector("textarea").value) folded.open = true;
  bind({ Enter: ["分办", () => form.checkVisibility() && form.requestSubmit(form.querySelector(".primary"))] });
  const accept = form.querySelector("[data-as-suggested]");
  if (accept) {
    accept.hidden = false;
    accept.addEventListener("click", chooseSuggested);
  }
}
document.addEventListener("visibilitychange", look);
// What this page sends itself is no news; coming back to it by the browser's back button is.
addEventListener("submit", ({ target }) => target.matches("form.change") && stop());
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  looking ??= setInterval(look, EVERY_MS);
  look();
});
