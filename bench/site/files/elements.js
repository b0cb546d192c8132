// Elements made of text only: nothing of the data is ever read as HTML.
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((c) => c !== null && c !== undefined));
  return made;
}

function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A table that scrolls by itself. columns: [heading, is a number]. rows: {cells, kind}. */
function table(caption, columns, rows, id = null) {
  const head = make("tr", {}, columns.map(([text, number]) => make("th", { scope: "col", class: number && "number" }, text)));
  const body = rows.map((row) => make("tr", { class: row.kind || null, title: row.title || null }, row.cells.map((cell, at) => {
    const element = at ? "td" : "th";
    const attributes = { class: columns[at]?.[1] ? "number" : columns[at]?.[2] || null, scope: at ? null : "row", "data-column": columns[at]?.[0] ?? null };
    if (cell && cell.of) return make(element, { ...attributes, class: `${attributes.class || ""} ${cell.kind}`, title: cell.title || null }, cell.of);
    return make(element, attributes, cell ?? "");
  })));
  return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    make("table", { id }, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, body)));
}

const digits = (x, n = 3) => x === null || x === undefined ? "–" : Math.abs(x) >= 10 ** n ? Math.round(x).toLocaleString("en") : String(Number(x.toPrecision(n)));
const span = (s) => s.low === null || s.low === undefined ? "no interval" : `${digits(s.low)} to ${digits(s.high)}`;
const UNITS = { s: [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]], B: [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [1, "B"]] };

/** A value in a unit that suits its size. */
function quantity(value, unit) {
  if (value === null || value === undefined) return "–";
  const [scale, name] = (UNITS[unit] || [[1, unit]]).find(([size]) => Math.abs(value) >= size) || (UNITS[unit] || [[1, unit]]).at(-1);
  return `${digits(value / scale, 4)}${name ? ` ${name}` : ""}`;
}

function list(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const TITLES = {
  train_throughput: "training speed", step_latency_p50: "one training step", step_latency_p95: "one training step, 95th percentile",
  infer_throughput: "serving many rows at once", infer_latency_p50: "serving one row", infer_latency_p95: "serving one row, 95th percentile",
  test_score: "score on the test rows", time_to_target: "training seconds to the target score", cold_start: "cold start",
  peak_rss: "memory", first_step: "first step", device_memory: "GPU memory", energy: "energy of a whole launch",
};
const title = (name) => TITLES[name] || name.replaceAll("_", " ");
const GOOD = { peak_rss: "light", energy: "frugal", device_memory: "light" };
const asGood = (metric) => GOOD[metric] || (metric === "test_score" ? "good" : "fast");
const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** An interval; its unit once where both ends have the same. */
function range(low, high, unit) {
  const [a, b] = [quantity(low, unit), quantity(high, unit)];
  const tail = b.slice(b.indexOf(" "));
  return b.includes(" ") && a.endsWith(tail) ? `${a.slice(0, -tail.length)} to ${b}` : `${a} to ${b}`;
}
