"use strict";
// Keeps what is marked `data-live` fresh: the same page is loaded again, and its part put in place. Without this script
// the page is the same, as it was when it was loaded.

const EVERY = 4000;
const KEYED = "a[href], button, summary, input, [tabindex]";

function key(element) {
  const form = element.closest("form");
  const among = form ? `${form.getAttribute("action")} ${new URLSearchParams(new FormData(form))}` : "";
  return `${element.tagName} ${element.getAttribute("href") || ""} ${among} ${element.id} ${element.textContent.trim()}`;
}

function swap(old, fresh) {
  if (old.innerHTML === fresh.innerHTML) return;
  const active = old.contains(document.activeElement) ? key(document.activeElement) : null;
  const closed = [...old.querySelectorAll("details:not([open])")].map((one) => one.id);
  old.replaceChildren(...fresh.childNodes);
  for (const id of closed) document.getElementById(id)?.removeAttribute("open");
  if (active) {
    const again = [...old.querySelectorAll(KEYED)].find((one) => key(one) === active);
    again?.focus({ preventScroll: true });
  }
}

async function refresh(live) {
  const answer = await fetch(location.pathname, { headers: { "x-live": "1" }, credentials: "same-origin" });
  if (answer.status === 401) return location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(live.id);
  if (fresh && !String(getSelection())) swap(live, fresh);
}

function keepFresh(live) {
  const mark = document.createElement("p");
  mark.className = "fresh";
  mark.setAttribute("role", "status");
  mark.textContent = "Live";
  document.getElementById("main").append(mark);
  const look = async () => {
    if (!document.hidden) {
      try {
        await refresh(live);
        if (mark.classList.contains("stale")) {
          mark.classList.remove("stale");
          mark.textContent = "Live";
        }
      } catch {
        if (!mark.classList.contains("stale")) {
          mark.classList.add("stale");
          mark.textContent = "Lockstep does not answer; what is shown is not fresh.";
        }
      }
    }
    setTimeout(look, EVERY);
  };
  setTimeout(look, EVERY);
}

document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) {
    event.preventDefault(); // once is enough
    return;
  }
  event.target.dataset.sent = "1";
  event.target.querySelector("button")?.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

const live = document.querySelector("[data-live]");
if (live) keepFresh(live);
