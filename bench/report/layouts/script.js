"use strict";
(() => {
  const made = new Date(document.querySelector("time").dateTime);
  const days = Math.floor((Date.now() - made) / 86400000);
  if (days >= 1) {
    const words = days === 1 ? "1 day ago" : `${days} days ago`;
    document.getElementById("age").textContent = ` (${words})`;
  }

  const table = document.getElementById("all");
  if (!table) return; // a run of searches alone has no such table
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const number = (text) => {
    const found = text.replaceAll(",", "").match(/^-?\d+(\.\d+)?/);
    return found ? parseFloat(found[0]) : NaN;
  };

  const apart = table.dataset.apart; // a column whose values are never ranked together
  const group = (row) => (apart === undefined ? "" : row.cells[apart].textContent);

  const sortBy = (column, heading) => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = rows.map((row) => {
      const text = row.cells[column].textContent;
      return [row, text, heading.classList.contains("number") ? number(text) : NaN];
    });
    keyed.sort(([one, a, x], [other, b, y]) => {
      if (group(one) !== group(other)) return group(one).localeCompare(group(other));
      if (isNaN(x) !== isNaN(y)) return isNaN(x) ? 1 : -1; // what has no number comes last
      const order = isNaN(x) ? a.localeCompare(b) : x - y;
      return down ? -order : order;
    });
    body.append(...keyed.map(([row]) => row));
  };

  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sortBy(column, heading));
    heading.replaceChildren(button);
  });

  const form = document.getElementById("filters");
  const search = document.getElementById("filter-text");
  const choices = [...form.querySelectorAll("select")];
  const filter = () => {
    const text = search.value.toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const chosen = choices.every(
        (choice) => !choice.value || row.cells[choice.dataset.column].textContent === choice.value,
      );
      row.hidden = !chosen || !row.textContent.toLowerCase().includes(text);
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("count").textContent = `${shown} of ${rows.length} rows`;
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
