"use strict";
// The first page: leading agents of the chosen row, and their curves beside them.
(() => {
  const MOST = 8;
  const form = document.getElementById("row-form");
  const table = document.getElementById("leaders");
  const panel = document.getElementById("chart-panel");
  const host = document.getElementById("chart");
  const loaded = new Map();
  const waiting = new Map();
  let current = null;

  // Called by the data files.
  window.leaders = (key, view) => { loaded.set(key, view); };

  const load = (key) => {
    if (!waiting.has(key)) {
      waiting.set(key, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = `data/leaders/${key}.js`;
        script.onload = resolve;
        script.onerror = () => reject(new Error(`cannot load ${script.src}`));
        document.head.append(script);
      }));
    }
    return waiting.get(key);
  };

  const node = (tag, name, ...content) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.append(...content);
    return made;
  };

  const pickBox = (row, rows) => {
    const box = node("input", "pick");
    box.type = "checkbox";
    box.checked = row.color !== undefined;
    box.disabled = !box.checked && rows.filter((one) => one.color !== undefined).length >= MOST;
    box.setAttribute("aria-label", `Plot ${row.title}`);
    box.addEventListener("change", () => { choose(row, box.checked); draw(); });
    return box;
  };

  const bodyRow = (row, rows) => {
    const link = node("a", "", row.title);
    link.href = `agent/${row.name}.html`;
    const head = node("th", "", link);
    head.scope = "row";
    const tags = row.tags.map((tag) => node("span", `tag ${tag.kind}`, tag.text));
    const key = node("td", `plot-column${row.color === undefined ? "" : ` on k${row.color}`}`, pickBox(row, rows));
    return node(
      "tr", "", key, node("td", "num", row.rank), head,
      node("td", "num", row.score, ...(row.interval ? [node("small", "", row.interval)] : [])), node("td", "tags", ...tags),
    );
  };

  const choose = (row, chosen) => {
    const used = new Set(current.rows.map((one) => one.color));
    row.color = chosen ? [...Array(MOST).keys()].find((color) => !used.has(color)) : undefined;
  };

  const draw = () => {
    for (const body of table.tBodies) {
      const mine = current.rows.filter((row) => row.track === body.dataset.track);
      const rows = mine.map((row) => bodyRow(row, current.rows));
      if (!rows.length) {
        const none = node("td", "", "No entry yet.");
        none.colSpan = 5;
        rows.push(node("tr", "", none));
      }
      body.replaceChildren(body.rows[0], ...rows);
    }
    const plotted = current.rows.filter((row) => row.color !== undefined);
    const ranked = (row) => (row.rank ? row.title : `${row.title}, unranked`);
    const series = plotted.map((row) => ({ ...row, label: ranked(row), scored: true }));
    learningChart(host, series, { label: "learning steps per task (logarithmic)", logarithmic: true, scored: true });
  };

  const show = async () => {
    const key = form.elements.row.value;
    try {
      await load(key);
    } catch (error) {
      host.textContent = String(error.message);
      return;
    }
    if (form.elements.row.value !== key) return;
    current = loaded.get(key);
    for (const row of current.rows) if (row.led && row.color === undefined) choose(row, true);
    document.getElementById("row-note").textContent = current.note;
    document.getElementById("row-link").href = `board/${key}.html`;
    document.getElementById("chart-title").textContent = current.title;
    table.caption.textContent = `Leading agents: ${current.title}`;
    draw();
  };

  form.hidden = false;
  panel.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", show);
  let width = host.clientWidth;
  window.addEventListener("resize", () => {
    if (host.clientWidth === width || !current) return;
    width = host.clientWidth;
    draw();
  });
  show();
})();
