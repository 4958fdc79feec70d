// Keeps what is typed into fields with data-draft until the server has it: an expired session, a lost
// connection or a closed page by mistake loses nothing. Kept in this tab only, and for this user only.

const PREFIX = `fenban.draft.${document.body.dataset.user}.`;

function keyOf(field) {
  return PREFIX + field.dataset.draft;
}

function restore(field) {
  const kept = sessionStorage.getItem(keyOf(field));
  if (kept !== null && field.value === field.defaultValue) {
    field.value = kept;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** Forget the drafts whose names begin so: the server has them. */
export function forget(start) {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX + start)) sessionStorage.removeItem(key);
}

export function install() {
  // A page that is shown because something was kept says whose drafts are done with.
  for (const done of document.querySelectorAll("[data-draft-done]")) forget(done.dataset.draftDone);
  for (const field of document.querySelectorAll("[data-draft]")) restore(field);
  document.addEventListener("input", ({ target }) => {
    if (!target.dataset?.draft) return;
    if (target.value === target.defaultValue) sessionStorage.removeItem(keyOf(target));
    else sessionStorage.setItem(keyOf(target), target.value);
  });
  document.querySelector("form.account")?.addEventListener("submit", () => forget(""));
}
