// The answer in words, never past an interval: who leads is decided by the verdicts alone.
const NEEDS = [["train_throughput", "Training"], ["infer_latency_p50", "Serving one row"], ["infer_throughput", "Serving many"],
  ["cold_start", "Cold start"], ["peak_rss", "Memory"], ["lines", "Least code"]];

/** One need of one family: sentences, one for each set of leaders. */
function said(all, state, metric) {
  const groups = new Map();
  let alone = 0;
  for (const contest of all) {
    const found = lead(contest, state, metric);
    if (!found) { alone += 1; continue; }
    const key = [...found.leaders].sort().join() + found.equal;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push({ ...found, task: contest.task });
  }
  const lines = [...groups.values()].map(together);
  if (alone) lines.push(`Nothing to compare on ${plural(alone, "task")}: fewer than two certified results.`);
  return lines;
}

function together(found) {
  const tasks = list(found.map((f) => f.task));
  const { leaders, equal } = found[0];
  if (leaders.length === 1) {
    const least = Math.min(...found.map((f) => f.least));
    const by = Number.isFinite(least) && least > 1 ? `, at least ${(Math.floor(least * 100) / 100).toFixed(2)} times as good as any other` : "";
    return `${leaders[0]} on ${tasks}${by}.`;
  }
  const more = Math.max(...found.map((f) => f.more));
  const tail = equal ? "equal within the margin" : `not told apart${more ? ` (${more > 1000 ? "more than 1000" : `about ${more}`} more sittings would tell)` : ""}`;
  return `${list([...leaders].sort())} on ${tasks}: ${tail}.`;
}

/** Which documented program has the fewest logical lines; a count, so without an interval. */
function shortest(all, state, name) {
  if (state.division !== "documented") return ["Counted for documented programs only."];
  const there = different(all.flatMap((c) => c.cells.filter((x) => included(x, state))), (c) => c.implementation);
  const counted = there.filter((i) => DATA.lines[i]?.[name]).map((i) => [i, DATA.lines[i][name]]).sort((a, b) => a[1] - b[1]);
  if (!counted.length) return ["No counted program."];
  const least = counted.filter(([, lines]) => lines === counted[0][1]).map(([i]) => i);
  const rest = counted.slice(least.length).map(([i, lines]) => `${i} ${lines}`);
  return [`${list(least)}: ${counted[0][1]} logical lines.${rest.length ? ` Others: ${rest.join(", ")}.` : ""}`];
}

function answerView(state) {
  const all = contests(state);
  const families = different(all, (c) => family(c.run, c.task));
  if (!all.length) return [make("p", {}, "Nothing was measured in this choice.")];
  const rows = families.map((name) => {
    const own = all.filter((c) => family(c.run, c.task) === name);
    const cells = NEEDS.map(([metric]) => ({
      kind: `words${metric === state.metric ? " chosen" : ""}`,
      of: make("div", {}, (metric === "lines" ? shortest(own, state, name) : said(own, state, metric)).map((line) => make("p", {}, line))),
    }));
    const chosen = state.family === name;
    const button = make("button", { type: "button", "aria-pressed": String(chosen), onclick: () => go({ family: chosen ? "" : name, task: "" }) }, DATA.families[name] || name);
    return { cells: [button, ...cells] };
  });
  const columns = [["for"], ...NEEDS.map(([, words]) => [words])];
  const left = state.without.length ? ` Left out: ${list(state.without)}.` : "";
  return [
    make("p", {}, `Who is best, among ${state.division} programs, on ${state.machine} (${state.device}, ${state.precision}, ${plural(+state.threads, "thread")}).${left} A name stands alone only where every interval puts it above all others.`),
    table("Who to choose, by kind of network and by need", columns, rows, "answers"),
    make("h3", {}, "What would change this answer"),
    make("ul", { id: "change" }, changes(all, state).map((line) => make("li", {}, line))),
  ];
}

/** What is open, old, missing or left out behind the answer. */
function changes(all, state) {
  const lines = [];
  const open = all.map((c) => [c, lead(c, state, state.metric)]).filter(([, l]) => l && l.leaders.length > 1 && !l.equal);
  const what = title(state.metric);
  if (open.length) {
    const told = open.map(([c, l]) => `${c.task}${l.more ? ` (${l.more > 1000 ? "more than 1000" : `about ${l.more}`})` : ""}`);
    lines.push(`More sittings: in ${what} the leaders are not told apart on ${list(told)}. The number is how many more would be needed.`);
  } else lines.push(`More sittings would not change who leads in ${what}, as far as errors are as small as they look.`);
  const runs = [...new Set(all.map((c) => c.run))];
  const old = runs.filter((run) => stale(run, state));
  if (old.length) lines.push(`Newer results: ${list(old.map((run) => `${run.name} (${stale(run, state)})`))}.`);
  const lost = all.flatMap((c) => c.cells.filter((x) => included(x, state) && !x.values[state.metric]).map((x) => `${x.implementation} on ${c.task}`));
  if (lost.length) lines.push(`Results that are missing: ${list(lost)}. Their reasons are below.`);
  const others = DATA.runs.flatMap((run) => ofSetting(run, state) ? run.cells.map((c) => c.division) : []).some((d) => d !== state.division);
  if (others) lines.push(`The other division: ${state.division === "documented" ? "tuned programs may be" : "documented programs answer another question and may be"} ordered otherwise.`);
  lines.push("Another machine, precision, number of threads or version: nothing here is said of those.");
  return lines;
}

/** What a programmer would ask first, each one click. */
const QUESTIONS = [
  ["Fastest documented framework for an LSTM on two cores?", () => ({ ...settingLike({ device: "cpu", threads: "2" }, "documented"), division: "documented", family: "lstm", task: "", metric: "train_throughput", run: "", without: [] }), "answer"],
  ["Lightest to serve one row?", () => ({ family: "", task: "", metric: "peak_rss", run: "", x: "bytes" }), "serving"],
  ["Does compiling pay for 1,000 steps?", () => ({ ...settingLike({ device: "cpu", threads: "2" }, "tuned", (run) => run.paid.length), division: "tuned", family: "", task: "", steps: 1000, run: "", without: [] }), "compiling"],
  ["Did the last release of PyTorch get slower?", () => ({ timeline: "pytorch" }), "versions"],
  ["What failed, and why?", () => ({ family: "", task: "", run: "" }), "failed"],
];

/** The setting of the newest run that is like this, has the division and fits; else nothing. */
function settingLike(wanted, division, asked = () => true) {
  const fits = DATA.runs.filter((run) => asked(run) && Object.entries(wanted).every(([k, v]) => run[k] === v) && run.cells.some((c) => c.division === division && Object.keys(c.values).length));
  const run = fits.sort((a, b) => (a.created < b.created ? 1 : -1))[0];
  return run ? Object.fromEntries(SETTING.map((name) => [name, run[name]])) : {};
}
