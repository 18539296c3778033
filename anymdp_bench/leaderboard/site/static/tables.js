"use strict";
// Tables that can be sorted by a column, and filtered by the forms above them. Without scripts they are
// complete and in the order of the ranking.
(() => {
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    if (!cell) return "";
    return cell.dataset.value === undefined ? cell.textContent.trim().toLowerCase() : Number(cell.dataset.value);
  };

  // Missing numbers (NaN) stay last in either direction.
  const compare = (one, other, sign) => {
    if (typeof one === "number" && typeof other === "number") {
      if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other);
      return sign * (one - other);
    }
    return sign * String(one).localeCompare(String(other), "en");
  };

  const sort = (table, header, column) => {
    const ascending = header.getAttribute("aria-sort") === "none"
      ? !header.classList.contains("num") || header.dataset.key.endsWith("rank")
      : header.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.querySelectorAll("th[aria-sort]")) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter((row) => !row.classList.contains("line"));
      rows.sort((one, other) => compare(valueOf(one, column), valueOf(other, column), ascending ? 1 : -1));
      body.append(...rows);
    }
  };

  const makeSortable = (table) => {
    [...[...table.tHead.rows].at(-1).cells].forEach((header, column) => {
      if (!header.dataset.key) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      header.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => sort(table, header, column));
    });
  };

  const wanted = (row, values) => {
    if (row.dataset.published) return values.published && matches(row, values);
    if (values.verified && row.dataset.verified !== "1") return false;
    if (values["gradient-free"] && row.dataset.gradientFree !== "1") return false;
    if (values.protocol && row.dataset.protocol !== values.protocol) return false;
    return matches(row, values);
  };
  const matches = (row, values) => !values.text || row.textContent.toLowerCase().includes(values.text.toLowerCase());

  const readForm = (form) => Object.fromEntries(
    [...form.elements].filter((field) => field.name)
      .map((field) => [field.name, field.type === "checkbox" ? field.checked : field.value]),
  );

  // A part of a table is shown if it belongs to the chosen track and number of tasks.
  const inPart = (body, values) => ["track", "tasks"].every((key) => !values[key] || !body.dataset[key] || body.dataset[key] === values[key]);

  const filter = (form, target) => {
    const values = readForm(form);
    target.classList.toggle("wide", Boolean(values.wide));
    let shown = 0;
    let total = 0;
    const tables = target.matches("table") ? [target] : [...target.querySelectorAll("table.sortable")];
    for (const body of tables.flatMap((table) => [...table.tBodies])) {
      body.hidden = !inPart(body, values);
      const rows = [...body.rows].filter((row) => !row.classList.contains("line"));
      for (const row of rows) row.hidden = !wanted(row, values);
      const left = rows.filter((row) => !row.hidden).length;
      for (const line of body.querySelectorAll(".line:not(.title)")) line.hidden = !left;
      if (!values.tasks || body.dataset.tasks === values.tasks) total += rows.length;
      if (!body.hidden) shown += left;
    }
    form.querySelector("output").textContent = `${shown} of ${total} rows`;
  };

  for (const table of document.querySelectorAll("table.sortable")) makeSortable(table);
  for (const form of document.querySelectorAll("form.filters[data-for]")) {
    const target = document.getElementById(form.dataset.for);
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => filter(form, target));
    filter(form, target);
  }
})();
