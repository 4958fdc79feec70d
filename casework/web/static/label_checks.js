// Brings the doubt that is looked at into view in the list beside it.
const list = document.querySelector(".doubt-list ol");
const current = list?.querySelector("[aria-current]");
if (current) list.scrollTop = current.offsetTop - list.offsetTop - list.clientHeight / 2;
