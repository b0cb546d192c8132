"use strict";
// What can be asked of the data. No element of the page is touched here.
const DATA = JSON.parse(document.getElementById("data").textContent);
const METRIC = Object.fromEntries(DATA.metrics.map((m) => [m.name, m]));
const SETTING = ["machine", "device", "precision", "threads"];
const PENALTY = 2; // a missing result counts as half as good as the worst that was measured
const BEST = ""; // the baseline: each task's best
const DAY = 24 * 3600 * 1000;

for (const run of DATA.runs) {
  run.pairOf = new Map();
  for (const [task, division, metric, base, fresh, value, low, high, outcome, more, ratio] of run.pairs) {
    const key = (a, b) => [task, division, metric, a, b].join("\n");
    const turned = { b: "w", w: "b", e: "e", u: "u" };
    const other = ratio ? [1 / value, low === null ? null : 1 / high, low === null ? null : 1 / low]
      : [-value, low === null ? null : -high, low === null ? null : -low];
    run.pairOf.set(key(base, fresh), { value, low, high, outcome, more, ratio });
    run.pairOf.set(key(fresh, base), { value: other[0], low: other[1], high: other[2], outcome: turned[outcome], more, ratio });
  }
}

/** Different values of a field, in order. */
const different = (rows, of) => [...new Set(rows.map(of))].sort((a, b) => String(a).localeCompare(String(b), "en", { numeric: true }));
const ofSetting = (run, state) => SETTING.every((name) => run[name] === state[name]);
const family = (run, task) => run.tasks[task].family;
const certified = (cell) => cell.certificate === "passed";
const betterIs = (contest, metric) => metric === "test_score" ? contest.run.tasks[contest.task].better : METRIC[metric].better;

/** The contests of a choice: of each task the newest run of the setting in which most was measured
    side by side counts, as rows of two runs never sat together; or those of one named run. */
function contests(state, all = false, fits = () => true) {
  const found = new Map();
  for (const run of DATA.runs) {
    if (!ofSetting(run, state) || (state.run && run.name !== state.run)) continue;
    for (const task of Object.keys(run.tasks)) {
      if (!all && ((state.family && family(run, task) !== state.family) || (state.task && task !== state.task))) continue;
      const cells = run.cells.filter((c) => c.task === task && c.division === state.division);
      const measured = cells.filter((c) => Object.keys(c.values).length).length;
      if (!cells.length || !fits(run, task)) continue;
      const before = found.get(task);
      const rank = [run.measurement, Math.min(measured, 2), run.created];
      if (!before || later(rank, before.rank)) found.set(task, { run, task, cells, rank });
    }
  }
  return [...found.values()].sort((a, b) => (family(a.run, a.task) + a.task).localeCompare(family(b.run, b.task) + b.task));
}

function later(a, b) {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] > b[i];
  return false;
}

const included = (cell, state) => !state.without.includes(cell.framework);
/** The cells that may be ranked: certified, measured in this metric, not left out. */
const ranked = (contest, state, metric = state.metric) =>
  contest.cells.filter((c) => included(c, state) && certified(c) && c.values[metric]);

/** `a` against `b` as "times as good": above 1 is better whatever the metric; null where never judged. */
function times(contest, state, a, b, metric = state.metric) {
  if (a === b) return { value: 1, low: 1, high: 1, outcome: "self", more: 0, ratio: 1 };
  const pair = contest.run.pairOf.get([contest.task, state.division, metric, b, a].join("\n"));
  if (!pair) return null;
  const higher = betterIs(contest, metric) === "higher";
  if (!pair.ratio) return higher ? pair : { ...pair, value: -pair.value, low: pair.low === null ? null : -pair.high, high: pair.low === null ? null : -pair.low };
  if (higher) return pair;
  return { ...pair, value: 1 / pair.value, low: pair.low === null ? null : 1 / pair.high, high: pair.low === null ? null : 1 / pair.low };
}

/** 1 + how many of those included a verdict puts above it: what is not told apart shares a rank. */
function rank(contest, state, name, metric = state.metric) {
  const above = ranked(contest, state, metric).filter((c) => times(contest, state, c.implementation, name, metric)?.outcome === "b");
  return 1 + above.length;
}

/** Best by value among those included. */
function best(contest, state, metric = state.metric) {
  const rows = ranked(contest, state, metric);
  const sign = betterIs(contest, metric) === "higher" ? -1 : 1;
  return rows.sort((a, b) => sign * (a.values[metric][0] - b.values[metric][0]) || a.implementation.localeCompare(b.implementation))[0];
}

/** Of one task: implementation → {value, low, high, missing, reason}. Missing is punished by the rule. */
function scores(contest, state, names, metric = state.metric) {
  const top = best(contest, state, metric);
  if (!top) return null;
  const to = (name, base) => {
    const cell = contest.cells.find((c) => c.implementation === name);
    if (!cell || !included(cell, state) || !certified(cell) || !cell.values[metric]) return null;
    const pair = times(contest, state, name, base, metric);
    if (pair) return pair;
    const baseCell = contest.cells.find((c) => c.implementation === base);
    const ratio = cell.values[metric][0] / baseCell.values[metric][0];
    return { value: betterIs(contest, metric) === "higher" ? ratio : 1 / ratio, low: null, high: null, outcome: "n", ratio: 1, more: 0 };
  };
  const toTop = Object.fromEntries(names.map((name) => [name, to(name, top.implementation)]));
  const floor = Math.min(...Object.values(toTop).filter(Boolean).map((s) => s.value)) / PENALTY;
  const base = state.baseline === BEST ? top.implementation : state.baseline;
  const baseMissing = !toTop[base];
  return Object.fromEntries(names.map((name) => {
    if (!toTop[name]) return [name, { value: baseMissing ? 1 : floor / toTop[base].value, missing: why(contest, name) }];
    if (baseMissing) return [name, { value: toTop[name].value / floor, low: null, high: null, outcome: "n" }];
    return [name, to(name, base)];
  }));
}

/** Why a cell has no value, in words. */
function why(contest, name) {
  const cell = contest.cells.find((c) => c.implementation === name);
  if (!cell) return "not asked for in this run";
  if (!certified(cell)) return cell.certificate === "refused" ? `certificate refused: ${cell.reason}` : cell.reason || "no certificate";
  return cell.reason ? `${cell.status}: ${cell.reason}` : "no value in this metric";
}

/** Geometric mean over tasks and its 95 % interval, from the tasks' own; with how many are missing. */
function mean(rows) {
  const logs = rows.map((r) => Math.log(r.value));
  const value = Math.exp(logs.reduce((a, b) => a + b, 0) / rows.length);
  const known = rows.filter((r) => !r.missing);
  const whole = known.length > 0 && known.every((r) => r.low > 0 && r.high > 0);
  const half = Math.sqrt(known.reduce((sum, r) => sum + (whole ? Math.log(r.high / r.low) / 2 : 0) ** 2, 0)) / rows.length;
  return { value, low: whole ? value / Math.exp(half) : null, high: whole ? value * Math.exp(half) : null, missing: rows.length - known.length, tasks: rows.length };
}

/** Everything of the comparison: names best first, tasks, scores and means. */
function comparison(state, metric = state.metric) {
  const all = contests(state);
  const names = different(all.flatMap((c) => c.cells.filter((x) => included(x, state))), (c) => c.implementation);
  const tasks = all.map((contest) => ({ contest, scores: scores(contest, state, names, metric) }));
  const counted = tasks.filter((t) => t.scores);
  const ratio = metric !== "test_score";
  const rows = names.map((name) => ({ name, mean: counted.length && ratio ? mean(counted.map((t) => t.scores[name])) : null }));
  rows.sort((a, b) => (b.mean?.value ?? 0) - (a.mean?.value ?? 0) || a.name.localeCompare(b.name));
  return { tasks, counted, rows, ratio };
}

/** Who leads: nobody that is included is above it by a verdict. least: what the intervals still admit. */
function lead(contest, state, metric) {
  const rows = ranked(contest, state, metric).map((c) => c.implementation);
  if (rows.length < 2) return null;
  const leaders = rows.filter((name) => rank(contest, state, name, metric) === 1);
  const behind = rows.filter((name) => !leaders.includes(name));
  const bounds = leaders.length === 1 ? behind.map((name) => times(contest, state, leaders[0], name, metric).low) : [];
  const open = leaders.flatMap((a, i) => leaders.slice(i + 1).map((b) => times(contest, state, a, b, metric))).filter(Boolean);
  return {
    leaders, behind, least: bounds.length ? Math.min(...bounds) : null,
    equal: open.length > 0 && open.every((p) => p.outcome === "e"),
    more: Math.max(0, ...open.map((p) => p.more)),
  };
}

/** Why a run's figures are grey; empty when they are current. */
function stale(run, state, cell = null) {
  const old = (Date.now() - Date.parse(run.created)) / DAY;
  if (run.measurement < DATA.measurement) return `measured in way ${run.measurement}, now it is ${DATA.measurement}`;
  if (old > state.age) return `${Math.floor(old)} days old`;
  const newest = cell && NEWEST[[cell.framework, run.device].join()];
  if (cell && cell.version && newest && compareVersions(cell.version, newest) < 0) return `version ${cell.version}, ${newest} is here too`;
  return "";
}

const compareVersions = (a, b) => a.split("+")[0].localeCompare(b.split("+")[0], "en", { numeric: true });
const NEWEST = {};
for (const run of DATA.runs) {
  for (const cell of run.cells) {
    const key = [cell.framework, run.device].join();
    if (cell.version && (!NEWEST[key] || compareVersions(cell.version, NEWEST[key]) > 0)) NEWEST[key] = cell.version;
  }
}
