"use strict";
// Chosen agents' curves and task-by-task scores; each agent's numbers are a script file, loaded when chosen.
(() => {
  const MOST = 8;
  const FIRST = 3;
  const root = document.body.dataset.root;
  const host = document.getElementById("chart");
  if (!host) return;
  const form = document.getElementById("chart-form");
  const loaded = new Map();
  const waiting = new Map();
  const colors = new Map();

  // Called by the data files.
  window.learningCurve = (key, curve) => { loaded.set(key, curve); };

  const load = (key) => {
    if (loaded.has(key)) return Promise.resolve();
    if (!waiting.has(key)) {
      waiting.set(key, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = `${root}data/${key}.js`;
        script.onload = resolve;
        script.onerror = () => reject(new Error(`cannot load ${script.src}`));
        document.head.append(script);
      }));
    }
    return waiting.get(key);
  };

  const boxes = [...document.querySelectorAll("input.pick")];
  const picked = () => [...new Set(boxes.filter((box) => box.checked).map((box) => box.dataset.curve))];

  const colorOf = (key) => {
    if (!colors.has(key)) {
      const used = new Set(colors.values());
      colors.set(key, [...Array(MOST).keys()].find((color) => !used.has(color)) ?? 0);
    }
    return colors.get(key);
  };

  const labelOf = (key) => (host.dataset.board ? loaded.get(key).title : loaded.get(key).plain);

  const seriesOf = (key) => {
    const curve = loaded.get(key);
    const axis = form.elements.axis.value;
    const task = form.elements.task ? form.elements.task.value : "";
    const common = { label: labelOf(key), color: colorOf(key), scored: curve.scored };
    if (task === "") return { ...common, x: curve[axis], y: curve.mean, low: curve.low, high: curve.high };
    if (!curve.tasks[task]) return null;
    return { ...common, x: curve.kept.map((i) => curve[axis][i]), y: curve.tasks[task] };
  };

  const cellRow = (tag, texts) => {
    const row = document.createElement("tr");
    texts.forEach((text, i) => {
      const cell = document.createElement(i && tag === "td" ? "td" : "th");
      cell.scope = tag === "th" ? "col" : "row";
      if (i) cell.className = "num";
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  };

  const table = (caption, heads, rows) => {
    const node = document.createElement("table");
    node.createCaption().textContent = caption;
    node.createTHead().append(cellRow("th", heads));
    node.createTBody().append(...rows.map((texts) => cellRow("td", texts)));
    return node;
  };

  const number = (value) => (Number.isFinite(value) ? `${+value.toPrecision(4)}` : "-");
  const score = (value, scored) => (scored ? `${(100 * value).toFixed(1).replace(/^-0\.0$/, "0.0")} %` : number(value));

  const drawCurveTable = (series) => {
    const target = document.getElementById("curve-table");
    const axis = form.elements.axis.value;
    target.replaceChildren(...series.map((one) => table(
      one.label, [axis, "mean", ...(one.low ? ["lower quartile", "upper quartile"] : [])],
      one.x.map((x, i) => [number(x), ...[one.y, one.low, one.high].filter(Boolean).map((values) => score(values[i], one.scored))]),
    )));
  };

  const drawTaskTable = (keys) => {
    const target = document.getElementById("task-table");
    if (!target) return;
    const curves = keys.map((key) => loaded.get(key));
    const n = Math.max(0, ...curves.map((curve) => curve.late.length));
    const rows = [...Array(n).keys()].map((task) => {
      const known = curves.find((curve) => curve.late.length > task);
      const references = ["random", "oracle", "optimal"].map((name) => number(known.references[name][task]));
      return [task, ...references, ...curves.map((curve) => (task in curve.late ? score(curve.late[task], curve.scored) : "-"))];
    });
    target.replaceChildren(table(
      "Scores by task, with the returns of uniform play, the oracle and the optimum",
      ["task", "uniform", "oracle", "optimum", ...keys.map(labelOf)], rows,
    ));
  };

  const fillTasks = (keys) => {
    const select = form.elements.task;
    if (!select) return;
    const n = Math.max(0, ...keys.map((key) => loaded.get(key).late.length));
    if (select.options.length === n + 1) return;
    const chosen = select.value;
    select.length = 1;
    for (let task = 0; task < n && n > 1; task += 1) select.add(new Option(task, task));
    select.value = Number(chosen) < n ? chosen : "";
  };

  const draw = async () => {
    const keys = picked();
    for (const key of colors.keys()) if (!keys.includes(key)) colors.delete(key);
    for (const box of boxes) {
      box.disabled = !box.checked && keys.length >= MOST;
      box.parentElement.className = `plot-column${box.checked ? ` on k${colorOf(box.dataset.curve)}` : ""}`;
    }
    try {
      await Promise.all(keys.map(load));
    } catch (error) {
      host.textContent = String(error.message);
      return;
    }
    const current = picked();
    if (current.join() !== keys.join()) return;
    fillTasks(keys);
    const series = keys.map(seriesOf).filter(Boolean);
    const axis = form.elements.axis.value;
    const options = {
      label: axis === "steps" ? "learning steps per task" : "learning episodes per task",
      logarithmic: form.elements.scale.value === "log",
      scored: series.every((one) => one.scored),
    };
    learningChart(host, series, options);
    drawCurveTable(series);
    drawTaskTable(keys);
  };

  for (const id of ["curve-section", "task-section"]) {
    const section = document.getElementById(id);
    if (section) section.hidden = false;
  }
  const led = boxes.filter((box) => box.dataset.led);
  const first = led.length ? led.map((box) => box.dataset.curve) : boxes.slice(0, FIRST).map((box) => box.dataset.curve);
  for (const box of boxes) box.checked = first.includes(box.dataset.curve);
  for (const box of boxes) {
    box.disabled = false;
    box.addEventListener("change", () => {
      for (const other of boxes) if (other.dataset.curve === box.dataset.curve) other.checked = box.checked;
      draw();
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", draw);

  const bars = document.getElementById("bar-form");
  const drawBars = async () => {
    const key = bars.elements.board.value;
    await load(key);
    if (bars.elements.board.value === key) taskBars(document.getElementById("bars"), loaded.get(key));
  };
  if (bars) {
    document.getElementById("bar-section").hidden = false;
    bars.addEventListener("input", drawBars);
    drawBars();
  }

  const badge = document.getElementById("badge-code");
  if (badge && location.protocol.startsWith("http")) {
    const address = (path) => new URL(root + path, location.href).href;
    badge.textContent = `[![AnyMDP](${address(badge.dataset.badge)})](${address(badge.dataset.page)})`;
  }
  let width = host.clientWidth;
  window.addEventListener("resize", () => {
    if (host.clientWidth === width) return;
    width = host.clientWidth;
    draw();
  });
  draw();
})();
