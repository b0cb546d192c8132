// Pareto fronts: what nothing else is better than in both ways at once.
const FRONTS = {
  memory: ["speed × memory", "train_throughput", "peak_rss"],
  cold: ["cold start × steady speed", "train_throughput", "cold_start"],
  accuracy: ["score × training time", "test_score", "time_to_target"],
  serving: ["one row × many", "infer_throughput", "infer_latency_p50"],
  bytes: ["size × latency of deployed files", null, null],
};

function points(state) {
  if (state.x === "bytes") {
    return DATA.runs.filter((r) => r.device === state.device && !(state.run && r.name !== state.run)).flatMap((run) => run.served
      .filter((s) => s.certificate === "passed" && s.bytes && s.latency && !state.without.includes(s.framework) && (!state.task || s.task === state.task))
      .map((s) => ({ task: s.task, name: s.route, x: s.bytes, y: s.latency[0], xs: null, ys: s.latency.slice(1, 3), xBetter: "lower", yBetter: "lower" })));
  }
  const [, first, second] = FRONTS[state.x];
  return contests(state).flatMap((contest) => ranked(contest, state, first).filter((c) => c.values[second]).map((c) => {
    const [a, b] = [c.values[first], c.values[second]];
    return { task: contest.task, name: c.implementation, x: b[0], y: a[0], xs: b.slice(1, 3), ys: a.slice(1, 3), xBetter: betterIs(contest, second), yBetter: betterIs(contest, first) };
  }));
}

/** A point is on the front where no other of its task is as good in both and better in one. */
function onFront(p, all) {
  const as = (a, b, better) => better === "higher" ? a >= b : a <= b;
  return !all.some((q) => q !== p && q.task === p.task && as(q.x, p.x, p.xBetter) && as(q.y, p.y, p.yBetter) && (q.x !== p.x || q.y !== p.y));
}

function frontsView(state) {
  const select = make("label", {}, "Two things", make("select", { id: "front", onchange: (e) => go({ x: e.target.value }) },
    Object.entries(FRONTS).map(([key, [words]]) => make("option", { value: key, selected: key === state.x }, words))));
  const all = points(state);
  const choose = make("div", { class: "filters" }, select);
  const serve = servingLine();
  if (!all.length) {
    const none = state.x === "bytes" ? "No deployment run is published here: bench deploy makes one." : "No cell of this choice has both values.";
    return [choose, serve, make("p", {}, none)];
  }
  const [first, second] = state.x === "bytes" ? ["latency of one row", "size of the file"] : [title(FRONTS[state.x][1]), title(FRONTS[state.x][2])];
  const units = state.x === "bytes" ? ["B", "µs"] : [METRIC[FRONTS[state.x][2]].unit, METRIC[FRONTS[state.x][1]].unit];
  const rows = all.map((p) => ({ kind: onFront(p, all) ? "front" : "", cells: [p.task, p.name, onFront(p, all) ? "on the front" : "", quantity(p.x, units[0]), quantity(p.y, units[1])] }));
  const charts = different(all, (p) => p.task).map((task) => chart(task, all.filter((p) => p.task === task), second, first, units));
  return [choose, serve, make("p", {}, `A filled mark is on the front: no other is at least as good in both and better in one, by the measured values; bars are 95 % intervals, and marks whose bars overlap are not told apart by this picture.`),
    make("div", { class: "charts" }, charts), make("details", {}, make("summary", {}, "The same as a table"), table("Points of the fronts", [["task"], ["implementation"], ["front"], [second, true], [first, true]], rows, "points"))];
}

/** Who is lightest to serve a row: of deployed files, which alone are about serving. */
function servingLine() {
  const served = DATA.runs.flatMap((run) => run.served).filter((s) => s.certificate === "passed" && s.memory);
  const id = { id: "serving", tabindex: -1 };
  if (!served.length) {
    return make("p", id, "Lightest to serve one row: no deployment run is published here, so this is not answered. Memory above is of a whole process that trains and serves; it bounds serving from above and orders nothing.");
  }
  const lines = different(served, (s) => s.task).map((task) => {
    const own = served.filter((s) => s.task === task).sort((a, b) => a.memory[0] - b.memory[0]);
    const beside = own.filter((s) => s.memory[1] <= own[0].memory[2]);
    const names = beside.length > 1 ? `${list(beside.map((s) => s.route))}, whose ranges overlap` : own[0].route;
    return `${task}: ${names} (${quantity(own[0].memory[0], "B")}).`;
  });
  return make("p", id, `Lightest process that serves, among certified files; medians, unjudged. ${lines.join(" ")}`);
}

function axis(values) {
  const logs = values.filter((v) => v > 0).map(Math.log);
  let [low, high] = [Math.min(...logs), Math.max(...logs)];
  const pad = Math.max(0.05, (high - low) * 0.12);
  [low, high] = [low - pad, high + pad];
  return (v) => (Math.log(v) - low) / (high - low);
}

function chart(task, own, xTitle, yTitle, units) {
  const [width, height, left, bottom, top] = [440, 300, 62, 46, 26];
  const sx = axis(own.flatMap((p) => [p.x, ...(p.xs || []).filter(Boolean)]));
  const sy = axis(own.flatMap((p) => [p.y, ...(p.ys || []).filter(Boolean)]));
  const x = (v) => left + sx(v) * (width - left - 12);
  const y = (v) => height - bottom - sy(v) * (height - bottom - top);
  const made = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${task}: ${yTitle} against ${xTitle}; the table below has the numbers` });
  const text = (at, words, more = {}) => made.append(drawn("text", { x: at[0], y: at[1], ...more }, words));
  made.append(drawn("path", { class: "axis", d: `M${left},${top}V${height - bottom}H${width - 12}` }));
  text([left, 16], task, { class: "name" });
  text([(left + width) / 2, height - 8], `${xTitle} (${own[0].xBetter === "higher" ? "more is better →" : "← less is better"})`, { "text-anchor": "middle" });
  text([14, (height - bottom + top) / 2], `${yTitle} (${own[0].yBetter === "higher" ? "more is better →" : "← less is better"})`, { "text-anchor": "middle", transform: `rotate(-90 14 ${(height - bottom + top) / 2})` });
  const ends = (of) => [own.reduce((a, b) => (of(a) < of(b) ? a : b)), own.reduce((a, b) => (of(a) > of(b) ? a : b))];
  ends((p) => p.x).forEach((p, at) => text([x(p.x), height - bottom + 14], quantity(p.x, units[0]), { "text-anchor": at ? "end" : "start", class: "tick" }));
  ends((p) => p.y).forEach((p) => text([left - 4, y(p.y) + 4], compact(p.y, units[1]), { "text-anchor": "end", class: "tick" }));
  const placed = [];
  own.forEach((p, at) => {
    const colour = `c${at % 8}`;
    if (p.xs && p.xs[0] > 0) made.append(drawn("path", { class: `bar ${colour}`, d: `M${x(p.xs[0])},${y(p.y)}H${x(p.xs[1])}` }));
    if (p.ys && p.ys[0] > 0) made.append(drawn("path", { class: `bar ${colour}`, d: `M${x(p.x)},${y(p.ys[0])}V${y(p.ys[1])}` }));
    const mark = drawn("circle", { cx: x(p.x), cy: y(p.y), r: 5, class: onFront(p, own) ? `on ${colour}` : `off ${colour}` });
    mark.append(drawn("title", {}, `${p.name}: ${quantity(p.x, units[0])}, ${quantity(p.y, units[1])}`));
    made.append(mark);
    const right = x(p.x) > width * 0.6;
    let line = y(p.y) - 8;
    while (placed.some(([a, b]) => Math.abs(a - line) < 12 && Math.abs(b - x(p.x)) < 150)) line += 12;
    placed.push([line, x(p.x)]);
    text([x(p.x) + (right ? -8 : 8), line], p.name, { "text-anchor": right ? "end" : "start", class: "label" });
  });
  return make("figure", {}, made);
}

const compact = (value, unit) => UNITS[unit] ? quantity(value, unit) : Math.abs(value) >= 1000 ? `${digits(value / 1000)}k` : digits(value);
