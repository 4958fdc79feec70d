// 批量: dropping a file sends it; how far it is stands beside. Without this, the form sends it all the same.
import { notice } from "./shell.js";

const form = document.getElementById("upload");

function megabytes(bytes) {
  return `${Math.round(bytes / 1048576).toLocaleString()} MB`;
}

function tooLarge(file) {
  const most = Number(form.dataset.mostBytes);
  if (file.size <= most) return false;
  notice(`${file.name} 有 ${megabytes(file.size)}，最多 ${megabytes(most)}。请分成几份上传。`, "problem");
  return true;
}

if (form) {
  const field = form.querySelector("input[type=file]");
  const sending = form.querySelector(".sending");
  for (const kind of ["dragenter", "dragover"]) {
    form.addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) form.addEventListener(kind, () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    field.files = event.dataTransfer.files;
    form.requestSubmit();
  });
  form.addEventListener("htmx:confirm", (event) => {
    if (field.files.length && tooLarge(field.files[0])) event.preventDefault();
  });
  form.addEventListener("htmx:xhr:loadstart", () => (sending.hidden = false));
  form.addEventListener("htmx:xhr:progress", ({ detail }) => {
    if (!detail.lengthComputable) return;
    sending.querySelector("progress").value = detail.loaded / detail.total;
    sending.querySelector("[data-sent]").textContent = `${Math.round((100 * detail.loaded) / detail.total)}%`;
  });
  form.addEventListener("htmx:afterRequest", () => (sending.hidden = true));
}

for (const one of document.querySelectorAll("form[data-confirm]")) {
  one.addEventListener("submit", (event) => {
    if (!confirm(one.dataset.confirm)) event.preventDefault();
  });
}

document.getElementById("rows")?.focus();
