"use strict";
// Pages that grow: what follows is put on top, what changes is put in its place. All of it comes written out and escaped.
for (const place of document.querySelectorAll("[data-follow]")) {
  const source = new EventSource(place.dataset.follow);
  const status = document.querySelector("[data-status]");
  const pause = document.querySelector("[data-pause]");
  const most = 300;
  let waiting = [];
  const put = (rows) => {
    const holder = document.createElement("template");
    holder.innerHTML = rows;
    for (const row of holder.content.children) { row.classList.add("new"); }
    place.prepend(holder.content);
    for (const empty of document.querySelectorAll("[data-empty]")) { empty.hidden = true; }
    while (place.children.length > most) { place.lastElementChild.remove(); }
  };
  const isPaused = () => pause !== null && pause.getAttribute("aria-pressed") === "true";
  if (pause !== null) {
    pause.hidden = false;
    pause.addEventListener("click", () => {
      pause.setAttribute("aria-pressed", isPaused() ? "false" : "true");
      if (!isPaused()) { waiting.forEach(put); waiting = []; }
    });
  }
  source.addEventListener("rows", (event) => {
    if (!isPaused()) { put(JSON.parse(event.data)); return; }
    waiting.push(JSON.parse(event.data));
    if (waiting.length > most) { waiting.shift(); }
  });
  source.addEventListener("whole", (event) => { place.innerHTML = JSON.parse(event.data); });
  source.addEventListener("status", (event) => { if (status !== null) { status.textContent = JSON.parse(event.data); } });
  source.addEventListener("end", () => source.close());
  // Signed out, or not there any more: the page says so itself.
  source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) { location.reload(); } });
}
