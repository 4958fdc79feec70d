// What every page has: keys, drafts, and a word when the connection or the session is gone.
// Pages work without any of it.
import { install as installKeys } from "./keys.js";
import { install as installDrafts } from "./drafts.js";

const notices = document.getElementById("notices");

/** Tell something in the place that screen readers watch; `kind` is "", "done", "problem". */
export function notice(text, kind = "") {
  const line = document.createElement("p");
  line.className = `notice ${kind}`;
  line.textContent = text;
  notices.replaceChildren(line);
}

// An answer that is an error is a problem document, whose `detail` is meant for people.
function wordsOf(request) {
  try {
    return JSON.parse(request.responseText).detail;
  } catch {
    return `出错了（${request.status}），请再试一次。`;
  }
}

document.addEventListener("htmx:sendError", () => notice("连不上服务器，已填的内容还在，连上后再按一次。", "problem"));
document.addEventListener("htmx:timeout", () => notice("服务器太久没有回答，已填的内容还在，请再按一次。", "problem"));
document.addEventListener("htmx:responseError", (event) => {
  const request = event.detail.xhr;
  if (request.status === 401) askToSignIn();
  else if (request.status === 400) refreshKey().then(() => notice("页面的钥匙已换新，请再按一次。", "problem"));
  else notice(wordsOf(request), "problem");
});
addEventListener("offline", () => notice("网络断了，已填的内容还在。", "problem"));
addEventListener("online", () => notice("网络恢复了。", "done"));

// Whoever was signed out signs in beside this page, which keeps what is typed in it.
let signedOut = false;

function askToSignIn() {
  signedOut = true;
  notice("登录已过期，已填的内容还在。", "problem");
  const link = document.createElement("a");
  Object.assign(link, { href: "/sign-in?next=/", target: "_blank", textContent: "在新标签页登录，再回到这里继续" });
  notices.lastElementChild.append(" ", link);
}

async function refreshKey() {
  const answer = await fetch("/sign-in", { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const key = page.querySelector("input[name=csrf_token]")?.value;
  if (!key) return;
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": key }));
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = key;
}

addEventListener("focus", async () => {
  if (!signedOut) return;
  await refreshKey();
  signedOut = false;
  notice("请再按一次刚才的操作。");
});

installKeys();
installDrafts();
