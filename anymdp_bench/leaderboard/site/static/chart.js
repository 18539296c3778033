"use strict";
// Learning curves as SVG: mean and middle half, steps or episodes, linear or logarithmic.
const { learningChart, taskBars } = (() => {
  const NS = "http://www.w3.org/2000/svg";
  const NARROWEST = 300;
  const WIDEST = 1000;
  const HEIGHT = 400;
  const MOST_BANDS = 3;
  const MARGIN = { left: 56, right: 16, top: 12, bottom: 44 };
  const INNER_HEIGHT = HEIGHT - MARGIN.top - MARGIN.bottom;

  const make = (name, attributes = {}, text = "") => {
    const node = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text) node.textContent = text;
    return node;
  };

  const short = (value) => {
    const size = Math.abs(value);
    if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
    if (size >= 1e3) return `${+(value / 1e3).toPrecision(3)}K`;
    return `${+value.toPrecision(3)}`;
  };

  const linearTicks = (low, high, about) => {
    const rough = (high - low) / about || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((candidate) => candidate >= rough);
    const ticks = [];
    for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i += 1) ticks.push(i * step);
    return ticks;
  };

  const logTicks = (low, high) => {
    const ticks = [];
    const factors = Math.log10(high / low) < 2 ? [1, 2, 5] : [1];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1) {
      for (const factor of factors) {
        const tick = factor * 10 ** power;
        if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
      }
    }
    return ticks.length > 1 ? ticks : [low, high];
  };

  const scaleOf = (low, high, from, to, logarithmic) => {
    const warp = logarithmic ? Math.log10 : (value) => value;
    const span = warp(high) - warp(low) || 1;
    return (value) => from + ((warp(value) - warp(low)) / span) * (to - from);
  };

  const line = (xs, ys, x, y) => xs.map((value, i) => `${i ? "L" : "M"}${x(value).toFixed(1)} ${y(ys[i]).toFixed(1)}`).join("");

  const extent = (series, logarithmic) => {
    const xs = series.flatMap((one) => one.x).filter((value) => !logarithmic || value > 0);
    const ys = series.flatMap((one) => [...one.y, ...(one.low || []), ...(one.high || [])]);
    let [bottom, top] = [Math.min(...ys), Math.max(...ys)];
    if (series.every((one) => one.scored)) [bottom, top] = [Math.min(bottom, 0), Math.max(top, 1)];
    const pad = (top - bottom || 1) * 0.04;
    return { left: Math.min(...xs), right: Math.max(...xs), bottom: bottom - pad, top: top + pad };
  };

  const drawAxes = (svg, box, x, y, options) => {
    const right = MARGIN.left + options.width;
    const floor = MARGIN.top + INNER_HEIGHT;
    const format = options.scored ? (value) => `${+(100 * value).toPrecision(3)} %` : short;
    for (const tick of linearTicks(box.bottom, box.top, 6)) {
      svg.append(make("path", { class: "grid", d: `M${MARGIN.left} ${y(tick)}H${right}` }));
      svg.append(make("text", { x: MARGIN.left - 6, y: y(tick) + 4, "text-anchor": "end" }, format(tick)));
    }
    const ticks = options.logarithmic ? logTicks(box.left, box.right) : linearTicks(box.left, box.right, options.width / 110);
    for (const tick of ticks) {
      svg.append(make("path", { class: "grid", d: `M${x(tick)} ${MARGIN.top}V${floor}` }));
      svg.append(make("text", { x: x(tick), y: floor + 18, "text-anchor": "middle" }, short(tick)));
    }
    if (options.scored) {
      for (const [level, name] of [[0, "uniform play"], [1, "oracle"]]) {
        svg.append(make("path", { class: "level", d: `M${MARGIN.left} ${y(level)}H${right}` }));
        svg.append(make("text", { x: right - 4, y: y(level) - 5, "text-anchor": "end" }, name));
      }
    }
    svg.append(make("path", { class: "axis", d: `M${MARGIN.left} ${MARGIN.top}V${floor}H${right}` }));
    svg.append(make("text", { x: MARGIN.left + options.width / 2, y: HEIGHT - 6, "text-anchor": "middle" }, options.label));
  };

  const drawLegend = (host, series) => {
    const list = document.createElement("ul");
    list.className = "legend";
    for (const one of series) {
      const item = document.createElement("li");
      const mark = make("svg", { viewBox: "0 0 32 12", "aria-hidden": "true" });
      mark.append(make("path", { class: `curve k${one.color}`, d: "M0 6H32" }));
      item.append(mark, ` ${one.label}`);
      list.append(item);
    }
    host.append(list);
  };

  const nearest = (xs, value) => xs.reduce((best, x, i) => (Math.abs(x - value) < Math.abs(xs[best] - value) ? i : best), 0);

  // A cursor that follows the pointer, or the arrow keys; what it meets is read out.
  const addCursor = (svg, host, series, box, x, options) => {
    const readout = document.createElement("output");
    readout.className = "readout";
    readout.setAttribute("aria-live", "polite");
    readout.textContent = "Point at the chart, or focus it and press the arrow keys, to read values.";
    const cursor = make("path", { class: "cursor", visibility: "hidden" });
    svg.append(cursor);
    host.append(readout);
    let position = 0;
    const show = (pixel) => {
      position = Math.min(Math.max(pixel, MARGIN.left), MARGIN.left + options.width);
      cursor.setAttribute("d", `M${position} ${MARGIN.top}V${MARGIN.top + INNER_HEIGHT}`);
      cursor.setAttribute("visibility", "visible");
      const texts = series.map((one) => {
        const pixels = one.x.map(x);
        const i = nearest(pixels, position);
        const value = options.scored ? `${(100 * one.y[i]).toFixed(1)} %` : short(one.y[i]);
        return `${one.label}: ${value} at ${short(one.x[i])}`;
      });
      readout.textContent = texts.join("; ");
    };
    svg.addEventListener("pointermove", (event) => {
      const frame = svg.getBoundingClientRect();
      show(((event.clientX - frame.left) / frame.width) * (options.width + MARGIN.left + MARGIN.right));
    });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      show((position || MARGIN.left) + (step * options.width) / 40);
    });
  };

  const BAR_HEIGHT = 220;
  // Score of each task as a bar, best first; the task's number is its title.
  const drawBars = (host, curve) => {
    host.replaceChildren();
    const full = Math.min(Math.max(host.clientWidth, NARROWEST), WIDEST);
    const order = [...curve.late.keys()].sort((a, b) => curve.late[b] - curve.late[a]);
    const low = Math.min(0, ...curve.late);
    const high = Math.max(curve.scored ? 1.05 : 0, ...curve.late);
    const floor = BAR_HEIGHT - 34;
    const y = scaleOf(low, high, floor, 12, false);
    const slot = (full - MARGIN.left - MARGIN.right) / Math.max(order.length, 8);
    const svg = make("svg", { class: "chart", viewBox: `0 0 ${full} ${BAR_HEIGHT}`, role: "img" });
    svg.setAttribute("aria-label", `Score of ${curve.title} on each of ${order.length} tasks, best first`);
    const format = curve.scored ? (value) => `${+(100 * value).toPrecision(3)} %` : short;
    for (const tick of linearTicks(low, high, 4)) {
      svg.append(make("path", { class: "grid", d: `M${MARGIN.left} ${y(tick)}H${full - MARGIN.right}` }));
      svg.append(make("text", { x: MARGIN.left - 6, y: y(tick) + 4, "text-anchor": "end" }, format(tick)));
    }
    const every = Math.ceil(26 / slot);
    order.forEach((task, i) => {
      const value = curve.late[task];
      const left = MARGIN.left + i * slot;
      const bar = make("rect", {
        class: "bar", x: left + slot * 0.1, width: slot * 0.8, y: y(Math.max(value, 0)), height: Math.abs(y(value) - y(0)),
      });
      bar.append(make("title", {}, `task ${task}: ${format(+value.toPrecision(4))}`));
      svg.append(bar);
      if (i % every === 0) svg.append(make("text", { x: left + slot / 2, y: floor + 14, "text-anchor": "middle" }, `${task}`));
    });
    if (curve.scored) svg.append(make("path", { class: "level", d: `M${MARGIN.left} ${y(1)}H${full - MARGIN.right}` }));
    svg.append(make("path", { class: "axis", d: `M${MARGIN.left} ${y(0)}H${full - MARGIN.right}` }));
    const label = curve.scored ? "task, best first; dotted: the oracle" : "task, best first";
    svg.append(make("text", { x: full / 2, y: BAR_HEIGHT - 4, "text-anchor": "middle" }, label));
    host.append(svg);
  };

  // series: [{label, color, x, y, low?, high?, scored}]; options: {label, logarithmic, scored}
  // Of more than a few curves the bands would hide each other, and are left out.
  const drawCurves = (host, all, choices) => {
    const series = all.length > MOST_BANDS ? all.map((one) => ({ ...one, low: null, high: null })) : all;
    const full = Math.min(Math.max(host.clientWidth, NARROWEST), WIDEST);
    const options = { ...choices, width: full - MARGIN.left - MARGIN.right };
    host.replaceChildren();
    if (!series.length) {
      host.textContent = "Choose agents in the table to see their curves.";
      return;
    }
    const box = extent(series, options.logarithmic);
    const x = scaleOf(box.left, box.right, MARGIN.left, MARGIN.left + options.width, options.logarithmic);
    const y = scaleOf(box.bottom, box.top, MARGIN.top + INNER_HEIGHT, MARGIN.top, false);
    const svg = make("svg", { class: "chart", viewBox: `0 0 ${full} ${HEIGHT}`, role: "img", tabindex: "0" });
    svg.setAttribute("aria-label", `Learning curves over ${options.label} of ${series.map((one) => one.label).join(", ")}`);
    drawAxes(svg, box, x, y, options);
    for (const one of series) {
      if (one.low) {
        const there = line(one.x, one.high, x, y);
        const back = line([...one.x].reverse(), [...one.low].reverse(), x, y).replace("M", "L");
        svg.append(make("path", { class: `band f${one.color}`, d: `${there}${back}Z` }));
      }
    }
    for (const one of series) svg.append(make("path", { class: `curve k${one.color}`, d: line(one.x, one.y, x, y) }));
    host.append(svg);
    addCursor(svg, host, series, box, x, options);
    drawLegend(host, series);
  };
  return { learningChart: drawCurves, taskBars: drawBars };
})();
