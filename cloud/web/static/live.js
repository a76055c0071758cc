// Refreshes the parts of a page that are marked data-live when the relay says that something has changed.
"use strict";
(() => {
  const part = document.querySelector("[data-live]");
  if (!part) return;
  const of = part.dataset.live;
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const visible = () => document.hidden
    ? new Promise((done) => document.addEventListener("visibilitychange", done, { once: true })) : null;

  const look = () => of && fetch("/players/" + encodeURIComponent(of) + "/look", { method: "POST", redirect: "manual" }).catch(() => {});

  const refresh = async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const next of page.querySelectorAll("[data-live]")) {
      const now = document.getElementById(next.id);
      if (!now || now.outerHTML === next.outerHTML || now.querySelector("input:focus")) continue;
      const seen = new Set([...now.querySelectorAll("img")].map((i) => i.getAttribute("src")));
      const fresh = [...next.querySelectorAll("img")].filter((i) => i.loading !== "lazy" && !seen.has(i.getAttribute("src")));
      await Promise.all(fresh.map((i) => { const probe = new Image(); probe.src = i.getAttribute("src"); return probe.decode().catch(() => {}); }));
      now.replaceWith(document.adoptNode(next));
    }
  };

  const run = async () => {
    look();
    let asked = Date.now();
    for (let wait = 1000; ; ) {
      await visible();
      try {
        const at = document.querySelector("[data-live]").dataset.edition;
        const answer = await fetch("/live?of=" + encodeURIComponent(of) + "&at=" + encodeURIComponent(at));
        if (answer.status === 401) return location.reload();
        await refresh();
        wait = 1000;
      } catch { wait = Math.min(wait * 2, 30000); }
      await pause(wait + Math.random() * 500);
      if (Date.now() - asked > 5000) { look(); asked = Date.now(); }
    }
  };

  document.addEventListener("submit", (e) => {
    if (e.target.matches("[data-look]")) { e.preventDefault(); look(); }
  });
  run();
})();
