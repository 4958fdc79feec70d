// The queue by keys: move, choose, decide, undo. The server does all of it; this presses the rows' own forms.
import { bind } from "./keys.js";
import { notice } from "./shell.js";

const list = document.querySelector(".queue");
const told = document.getElementById("told");
const finished = document.getElementById("finished");
const NUMBERS = "123456789";
const LEVELS = "qwert";
let current = null;
let choices = null;
let assisting = false;
const decided = [];

const rows = () => [...list.querySelectorAll("li.case")];
const waits = (row) => row.dataset.status === "open";
const form = (row) => row.querySelector("form.accept");

// Moving: the row with the focus shows what it can be decided to.

function stand(row) {
  current?.classList.remove("current");
  current = row;
  assisting = false;
  row.classList.add("current");
  if (waits(row)) row.append(choices);
  else choices.remove();
  show();
}

function go(row) {
  if (!row) return;
  row.querySelector("a.open").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = rows();
  const at = all.indexOf(current);
  go(at < 0 ? all[0] : all[Math.min(Math.max(at + by, 0), all.length - 1)]);
}

function next(row) {
  const all = rows();
  const after = [...all.slice(all.indexOf(row) + 1), ...all].find((one) => one !== row && waits(one) && !one.dataset.sent);
  if (after) go(after);
}

// Choosing: what is chosen stands in the row's form and is shown pressed.

function show() {
  if (!current || !waits(current)) return;
  const chosen = form(current).elements;
  for (const button of choices.querySelectorAll("button")) {
    const name = button.parentElement.dataset.field;
    button.setAttribute("aria-pressed", String(chosen[name].value === button.value));
  }
  choices.querySelector("select").value = chosen.assist.value;
  choices.querySelector(".whole").textContent = current.querySelector(".matter").textContent.trim();
  choices.classList.toggle("assisting", assisting);
}

function choose(field, value) {
  form(current).elements[field].value = value;
  show();
}

function decide(department) {
  const chosen = form(current).elements;
  if (chosen.assist.value === department) chosen.assist.value = "";
  chosen.department.value = department;
  send(form(current));
}

function send(one) {
  if (current.dataset.sent) return;
  one.requestSubmit();
}

// What keys do to the row with the focus; without one they only go to the first, so that nothing is decided unseen.

function onRow(action) {
  return () => {
    if (!current?.isConnected) step(0);
    else if (waits(current)) action();
    else say("这一件已经分办，按 u 撤回，或按 Enter 打开。");
  };
}

function accept() {
  if (form(current).elements.department.value) send(form(current));
  else say("这一件没有显示建议，请按数字键选主办部门。");
}

function number(button) {
  return onRow(() => {
    if (!assisting) return decide(button.value);
    assisting = false;
    choose("assist", button.value);
  });
}

function undo() {
  const row = decided.map((id) => document.getElementById(id)).findLast((one) => one?.querySelector("form.undo"));
  if (row) {
    go(row);
    row.querySelector("form.undo").requestSubmit();
  } else if (!document.querySelector("#notices [data-key=u]")) say("没有可以撤回的。");
  else document.querySelector("#notices [data-key=u]").click();
}

function say(words) {
  notice(words);
}

function keys() {
  const departments = [...choices.querySelectorAll("[data-field=department] button")];
  const levels = [...choices.querySelectorAll("[data-field=urgency] button")];
  bind({
    j: ["下一件", () => step(1)],
    k: ["上一件", () => step(-1)],
    y: ["接受建议", onRow(accept)],
    u: ["撤回刚才的决定", undo],
    a: ["选协办：再按部门的数字，0 为没有", onRow(() => ((assisting = true), show()))],
    0: ["没有协办", onRow(() => ((assisting = false), choose("assist", "")))],
    Escape: ["不选协办了", () => ((assisting = false), show())],
    x: ["选中这一件", onRow(() => current.querySelector(".pick input")?.click())],
    ArrowDown: ["下一件", () => step(1)],
    ArrowUp: ["上一件", () => step(-1)],
  });
  departments.slice(0, NUMBERS.length).forEach((button, at) => bind({ [NUMBERS[at]]: [`分办给${words(button)}`, number(button)] }));
  levels.slice(0, LEVELS.length).forEach((button, at) => bind({ [LEVELS[at]]: [`紧急程度改为${words(button)}`, onRow(() => choose("urgency", button.value))] }));
}

const words = (button) => button.lastChild.textContent.trim();

function mouse() {
  choices.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    if (button.parentElement.dataset.field === "department") decide(button.value);
    else choose("urgency", button.value);
  });
  choices.querySelector("select").addEventListener("change", ({ target }) => {
    choose("assist", target.value);
    go(current);
  });
  list.addEventListener("click", ({ target }) => {
    const row = target.closest("li.case");
    if (row && !target.closest("a, button, input, select, label")) go(row);
  });
}

// What the server answers: the row as it is now. The next one has the focus at once, unless it went wrong.

function follow() {
  list.addEventListener("focusin", ({ target }) => {
    const row = target.closest("li.case");
    if (row && row !== current) stand(row);
  });
  list.addEventListener("htmx:beforeRequest", ({ target }) => {
    const row = target.closest("li.case");
    row.dataset.sent = "1";
    if (target.matches(".accept")) next(row);
  });
  list.addEventListener("htmx:beforeSwap", ({ detail }) => {
    // Refused, with the row as it is now and why.
    if ([409, 422].includes(detail.xhr.status)) [detail.shouldSwap, detail.isError] = [true, false];
  });
  list.addEventListener("htmx:afterRequest", ({ target, detail }) => {
    if (detail.successful || !target.isConnected) return;
    const row = target.closest("li.case");
    delete row.dataset.sent;
    go(row);
  });
  document.addEventListener("htmx:load", ({ detail: { elt: row } }) => {
    if (!row.matches?.(".queue > li.case")) return;
    told.textContent = [waits(row) ? "又在待分办：" : "", ...[".to", ".problem"].map((part) => row.querySelector(part)?.textContent)].join(" ");
    if (!waits(row)) decided.push(row.id);
    if (row.querySelector(".problem") || waits(row) || !current?.isConnected) go(row);
    finished.hidden = rows().some(waits);
    if (!finished.hidden) finished.querySelector("a").focus();
  });
}

if (list) {
  choices = document.getElementById("choices").content.firstElementChild.cloneNode(true);
  follow();
  keys();
  mouse();
}
