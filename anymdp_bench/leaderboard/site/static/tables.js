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
    [...table.tHead.rows[0].cells].forEach((header, column) => {
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

  const filter = (form, target) => {
    const values = readForm(form);
    let shown = 0;
    let total = 0;
    for (const row of target.querySelectorAll("tbody tr:not(.line)")) {
      const part = row.closest("[data-track]");
      const inTrack = !values.track || !part || part.dataset.track === values.track;
      row.hidden = !(inTrack && wanted(row, values));
      total += 1;
      shown += row.hidden ? 0 : 1;
    }
    for (const part of target.querySelectorAll("[data-track]")) {
      part.hidden = Boolean(values.track) && part.dataset.track !== values.track;
    }
    for (const body of target.querySelectorAll("tbody")) {
      const line = body.querySelector(".line");
      if (line) line.hidden = ![...body.rows].some((row) => row !== line && !row.hidden);
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
