// Keys: what stands in data-key presses its element; ? lists them. Single keys can be switched off (WCAG 2.1.4).

const OFF = "fenban.keys.off";
const PREFIX_MS = 1200;
const bound = new Map();
let prefix = "";
let prefixAt = 0;

/** Bind keys ("j", "g n", "Enter", …) to actions: { key: [what it does, in Chinese, action] }. */
export function bind(keys) {
  for (const [key, [words, action]] of Object.entries(keys)) bound.set(key, { words, action });
}

export function on() {
  return localStorage.getItem(OFF) === null;
}

function elementFor(key) {
  return [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key && one.checkVisibility());
}

function wordsFor(element) {
  return element.dataset.keyWords || element.getAttribute("aria-label") || element.textContent.trim();
}

// Letters typed into a field are text; so are those that an input method is about to turn into characters.
function isTyping(event) {
  const field = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  return field || event.isComposing;
}

// A form is sent from any of its fields by Ctrl+Enter, as in a mail client.
function sendsForm(event) {
  const form = event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form;
  if (!form) return false;
  event.preventDefault();
  form.requestSubmit(form.querySelector("button.primary"));
  return true;
}

function press(event) {
  if (sendsForm(event)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || !on()) return;
  if (document.querySelector("dialog[open]") && event.key !== "?") return;
  const now = Date.now();
  const key = prefix && now - prefixAt < PREFIX_MS ? `${prefix} ${event.key}` : event.key;
  prefix = "";
  const found = bound.get(key);
  if (found) {
    // Enter and the space bar press what has the focus.
    if (["Enter", " "].includes(key) && event.target.closest("a, button, summary, [role=button]")) return;
    event.preventDefault();
    found.action(event);
    return;
  }
  const element = elementFor(key);
  if (element) {
    event.preventDefault();
    if (element.matches("input:not([type=checkbox], [type=radio], [type=submit]), textarea, select")) element.focus();
    else element.click();
    return;
  }
  if (key === "g") [prefix, prefixAt] = [key, now];
}

function list() {
  const rows = [...bound].map(([key, { words }]) => [key, words]);
  for (const element of document.querySelectorAll("[data-key]")) {
    if (!bound.has(element.dataset.key) && element.checkVisibility()) rows.push([element.dataset.key, wordsFor(element)]);
  }
  return rows;
}

function show() {
  const dialog = document.createElement("dialog");
  dialog.className = "keys";
  dialog.setAttribute("aria-labelledby", "keys-title");
  dialog.innerHTML = `<form method="dialog"><h2 id="keys-title">快捷键</h2><table><tbody></tbody></table>
<label class="check"><input type="checkbox"> 用单个按键操作</label><button class="primary">关闭</button></form>`;
  const body = dialog.querySelector("tbody");
  for (const [key, words] of list()) {
    const row = body.insertRow();
    row.insertCell().append(...key.split(" ").map((one) => Object.assign(document.createElement("kbd"), { textContent: one })));
    row.insertCell().textContent = words;
  }
  const box = dialog.querySelector("input");
  box.checked = on();
  box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export function install() {
  bind({ "?": ["列出快捷键", show] });
  document.addEventListener("keydown", press);
  for (const button of document.querySelectorAll("[data-keys]")) {
    button.hidden = false;
    button.addEventListener("click", show);
  }
}
