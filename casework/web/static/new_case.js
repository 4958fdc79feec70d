// The form of a new case, filled by keyboard.
const form = document.getElementById("new-case");
const text = document.getElementById("text");

// It comes while one types.
form.querySelector("[data-ask]").hidden = true;

// Whoever copies a letter into the fields ends a line by Enter, and registers by Ctrl+Enter.
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
  if (!event.target.matches("input:not([type=checkbox], [type=radio])")) return;
  event.preventDefault();
  const fields = [...form.querySelectorAll("input:not([type=hidden]), textarea, select, button")].filter((one) => one.checkVisibility());
  fields[fields.indexOf(event.target) + 1]?.focus();
});

// What was in the fields when the page came back (a draft, the browser's own memory) gets its suggestion too.
addEventListener("pageshow", () => {
  if (text.value !== text.defaultValue) document.getElementById("preview").dispatchEvent(new Event("restored"));
});
