// The tables: tasks × implementations, every cell, what compiling costs, versions, failures, runs.
function shade(value) {
  if (!(value > 0)) return "";
  const step = Math.max(-4, Math.min(4, Math.round(Math.log2(value) * 2)));
  return `heat h${step < 0 ? "m" : "p"}${Math.abs(step)}`;
}

const baselineWords = (state) => state.baseline === BEST ? "each task's best" : state.baseline;

function compareView(state) {
  const found = comparison(state);
  if (!found.rows.length) return [make("p", {}, "Nothing was measured in this choice.")];
  const tasks = found.counted;
  const columns = [["implementation"], ["all tasks", true], ["95 % interval"], ["measured", true], ...tasks.map((t) => [t.contest.task, true])];
  const rows = found.rows.map(({ name, mean: m }) => ({
    cells: [name, m ? `${digits(m.value)}×` : "–", m ? span(m) : "–", m ? `${m.tasks - m.missing} of ${m.tasks}` : "–",
      ...tasks.map((t) => heatCell(t, name, state, found.ratio))],
  }));
  const empty = found.tasks.filter((t) => !t.scores).map((t) => t.contest.task);
  return [
    make("p", {}, `${capital(title(state.metric))}: how many times as ${asGood(state.metric)} as ${baselineWords(state)}; above 1 is better, whatever the unit. A small number is the rank: 1 + how many of those shown a verdict puts above it, so that what is not told apart shares a rank.`),
    make("details", {}, make("summary", {}, "How “all tasks” is computed"),
      make("p", {}, `The geometric mean over the tasks shown. What is missing counts: half as good as the worst that was measured on that task (twice as slow, twice as heavy), as ClickBench punishes it. Only certified results count. The interval is that of the tasks together; it leaves out how arbitrary the punishment is, and is absent where a task has none. Scores are compared by difference and have no mean. A task without any value counts for nobody${empty.length ? `: ${list(empty)}` : ""}.`)),
    table(`Tasks × implementations: ${title(state.metric)}`, columns, rows, "heat"),
  ];
}

function heatCell(t, name, state, ratio) {
  const s = t.scores[name];
  const cell = t.contest.cells.find((c) => c.implementation === name);
  if (s.missing) {
    const word = cell ? (cell.status === "ok" ? "no value" : cell.status) : "not run";
    return { kind: "lost", title: s.missing, of: make("span", {}, word, make("span", { class: "sub" }, `counts ${ratio ? digits(s.value) : "last"}`)) };
  }
  const grey = stale(t.contest.run, state, cell);
  const place = rank(t.contest, state, name);
  const text = s.ratio || ratio ? `${digits(s.value)}×` : `${s.value > 0 ? "+" : ""}${digits(s.value)}`;
  const words = `${t.contest.run.name}: ${span(s)}${grey ? `; grey: ${grey}` : ""}`;
  return { kind: `${ratio ? shade(s.value) : ""}${grey ? " old" : ""}`, title: words, of: make("span", {}, text, make("span", { class: "sub" }, METRIC[state.metric].judged ? `rank ${place}` : "not judged")) };
}

const VERDICT = { b: "better", w: "worse", e: "equivalent", u: "undecided", n: "not judged", self: "baseline" };

function cellsView(state) {
  const m = METRIC[state.metric];
  const rows = contests(state).flatMap((contest) => {
    const names = contest.cells.filter((c) => included(c, state));
    const all = scores(contest, state, names.map((c) => c.implementation));
    const sorted = [...names].sort((a, b) => (all ? all[b.implementation].value - all[a.implementation].value : 0));
    return sorted.map((cell) => cellRow(contest, cell, all && all[cell.implementation], m, state));
  });
  if (!rows.length) return [make("p", {}, "Nothing was measured in this choice.")];
  const paid = state.price && state.metric === "time_to_target";
  const columns = [["task"], ["implementation"], ["version"], [title(m.name), true], ["95 % interval"], ...(paid ? [["money to the target", true]] : []),
    [`against ${baselineWords(state)}`, true], ["95 % interval"], ["verdict"], ["rank", true], ["certificate"], ["sittings", true], ["run"]];
  return [
    make("p", {}, `${capital(m.meaning)}. Verdicts are against ${baselineWords(state)}, corrected over all pairs of the run. Grey: older than stated, or of a superseded version.`),
    money(state),
    table("Every cell of this choice", columns, rows, "all"),
  ];
}

function cellRow(contest, cell, score, m, state) {
  const value = cell.values[m.name];
  const grey = stale(contest.run, state, cell);
  const lost = !score || score.missing;
  const paid = state.price && m.name === "time_to_target";
  const interval = (v) => v && v[1] !== null ? range(v[1], v[2], m.unit) : "–";
  const pay = value ? value.slice(0, 3).map((s) => s === null ? null : s * state.price / 3600) : null;
  const link = make("a", { href: `${encodeURI(contest.run.name)}/index.html`, title: contest.run.command }, contest.run.name);
  return {
    kind: `${lost ? "failed" : ""}${grey ? " old" : ""}`, title: grey || null,
    cells: [contest.task, cell.implementation, cell.version || "–", value ? quantity(value[0], m.unit) : cell.status === "ok" ? "no value" : cell.status, interval(value),
      ...(paid ? [pay ? `${digits(pay[0])}${pay[1] === null ? "" : ` (${digits(pay[1])} to ${digits(pay[2])})`}` : "–"] : []),
      lost ? "–" : `${digits(score.value)}×`.replace(score.ratio === 0 ? "×" : "\n", ""), lost ? "–" : score.outcome === "self" ? "–" : span(score), lost ? score ? score.missing : "–" : VERDICT[score.outcome],
      lost || !m.judged ? "–" : String(rank(contest, state, cell.implementation)), cell.certificate || "none", value ? String(value[3]) : "0", link],
  };
}

/** Money and joules, in words: only of what was measured. */
function money(state) {
  if (!state.price) return null;
  const rows = contests(state).flatMap((c) => ranked(c, state, "time_to_target").map((cell) => {
    const [value, low, high] = cell.values.time_to_target.map((s) => s === null ? null : s * state.price / 3600);
    const energy = cell.values.energy;
    return { cells: [c.task, cell.implementation, digits(value), low === null ? "–" : `${digits(low)} to ${digits(high)}`, energy ? quantity(energy[0], "J") : "no counter"] };
  }));
  const words = `At ${state.price} an hour of this machine, training only, in the currency of the price. The interval is that of the seconds. Joules are of the whole launch, where the device has a counter.`;
  return make("details", { id: "money" }, make("summary", {}, "Money and energy to the target score"), make("p", {}, words),
    rows.length ? table("Money to the target score", [["task"], ["implementation"], ["money", true], ["95 % interval"], ["energy", true]], rows) : make("p", {}, "No task here was trained to its target in every sitting."));
}

/** Of each task the newest run that has two modes of one framework: a newer one may have none. */
function compilingView(state) {
  const paid = (run, task) => run.paid.some((p) => p.task === task && p.division === state.division);
  const rows = contests(state, false, paid).flatMap(({ run, task }) => run.paid.filter((p) => p.task === task && p.division === state.division && !state.without.includes(p.mode.split(":")[0])).map((p) => {
    const [value, low, high] = p.ratio;
    const never = high !== null && high < 1;
    const pays = p.steps === null ? (never ? "no: it is slower" : "undecided") : p.steps <= state.steps ? "yes" : "no: too few steps";
    const after = p.steps === null ? "–" : p.steps === 0 ? "at once" : `${digits(p.steps, 4)} steps`;
    return { kind: stale(run, state) ? "old" : "", title: stale(run, state) || null, cells: [task, p.mode, { kind: `verdict ${p.steps === null ? "" : p.steps <= state.steps ? "good" : "bad"}`, of: pays }, after, `${digits(value)}×`, low === null ? "one launch" : `${digits(low)} to ${digits(high)}`] };
  }));
  const input = make("label", {}, "Steps of a training", make("input", { id: "steps", type: "number", min: 1, value: state.steps, onchange: (e) => go({ steps: Math.max(1, +e.target.value || 1) }) }));
  const yes = rows.filter((r) => r.cells[2].of === "yes").length;
  const line = make("p", { id: "pays" }, rows.length ? `For ${state.steps.toLocaleString("en")} steps it pays in ${yes} of ${rows.length} cells: against its framework's usual mode of the division, a mode starts later and then gains a little a step.` : `No ${state.division} run of this choice has two modes of one framework; try the tuned division.`);
  return [make("div", { class: "filters" }, input), line,
    rows.length ? table(`Does the later start pay for ${state.steps.toLocaleString("en")} steps?`, [["task"], ["mode"], ["pays"], ["paid for after", true], ["speed against the usual mode", true], ["95 % interval"]], rows, "paid") : null];
}

function versionsView(state) {
  const names = different(DATA.changes, (c) => c.implementation.split(":")[0]);
  const shown = DATA.changes.filter((c) => !state.timeline || c.implementation.split(":")[0] === state.timeline);
  const select = make("label", {}, "Framework", make("select", { id: "timeline", onchange: (e) => go({ timeline: e.target.value }) },
    [["", "all"], ...names.map((n) => [n, n]), ...(state.timeline && !names.includes(state.timeline) ? [[state.timeline, state.timeline]] : [])].map(([v, t]) => make("option", { value: v, selected: v === state.timeline }, t))));
  const rows = shown.map((c) => ({ kind: c.word === "not judged" ? "failed" : "", title: c.reason || null, cells: [
    c.implementation, `${c.from} → ${c.to}`, c.task, title(c.metric || "all"), { kind: `verdict ${c.worse ? "bad" : ["undecided", "not judged", "equivalent"].includes(c.word) ? "" : "good"}`, of: c.word },
    c.change ? digits(c.change[0]) + (c.ratio ? "×" : "") : "–", c.change && c.change[1] !== null ? `${digits(c.change[1])} to ${digits(c.change[2])}` : "–", c.created.slice(0, 10), c.reason || c.status] }));
  const latest = last(shown);
  const line = shown.length ? `The last step: ${latest}` : `No comparison of versions${state.timeline ? ` of ${state.timeline}` : ""} is published yet, so nothing is said: bench regress --base torch==OLD --new torch==NEW measures one.`;
  return [make("div", { class: "filters" }, select), make("p", { id: "release" }, line),
    rows.length ? table("Versions of one framework against one another: new over old", [["implementation"], ["versions"], ["task"], ["what"], ["verdict"], ["new / old", true], ["95 % interval"], ["date"], ["remark", false, "wrap"]], rows, "timeline-table") : null,
    ...historyView()];
}

function last(shown) {
  if (!shown.length) return "";
  const newest = shown[shown.length - 1];
  const step = shown.filter((c) => c.place === newest.place);
  const worse = step.filter((c) => c.worse).map((c) => `${c.implementation} ${c.word} in ${title(c.metric)} on ${c.task}`);
  const open = step.filter((c) => ["undecided", "not judged"].includes(c.word)).length;
  return `${newest.implementation.split(":")[0]} ${newest.from} → ${newest.to}: ${worse.length ? list(worse) : "nothing got worse beyond doubt"}${open ? `; ${open} of ${step.length} questions stay open` : ""}.`;
}

function historyView() {
  if (!DATA.history.length) return [];
  const rows = DATA.history.map((s) => ({ cells: [s.name, String(s.points.length), digits(s.points[0][1], 4), digits(s.points.at(-1)[1], 4), s.points.at(-1)[0].slice(0, 10)] }));
  return [table("Kept runs: first and newest value; without a verdict here (bench history check judges)", [["series"], ["runs", true], ["first", true], ["newest", true], ["date"]], rows)];
}

function failedView(state) {
  const rows = DATA.runs.flatMap((run) => (state.run && run.name !== state.run ? [] : [...run.cells, ...run.served.map((s) => ({ ...s, implementation: s.route, division: "deployed" }))])
    .filter((c) => (c.status !== "ok" || c.certificate === "refused") && !state.without.includes(c.framework) && (!state.task || c.task === state.task))
    .map((c) => ({ cells: [c.task, c.implementation, c.status, c.reason || "no reason was kept", `${run.device}, ${run.precision}`, run.name] })));
  return [make("p", { id: "lost" }, rows.length ? `${plural(rows.length, "cell")} of all runs, whatever the setting chosen above.` : "Nothing failed in what is chosen."),
    rows.length ? table("What failed, and why", [["task"], ["implementation"], ["status"], ["reason", false, "wrap"], ["setting"], ["run"]], rows, "failures") : null];
}

function runsView(state) {
  const rows = [...DATA.runs].sort((a, b) => (a.created < b.created ? 1 : -1)).map((run) => ({
    kind: stale(run, state) ? "old" : "", cells: [make("a", { href: `${encodeURI(run.name)}/index.html` }, run.name), run.created.slice(0, 10), run.machine, `${run.device}, ${run.precision}, ${run.threads}`, String(run.cells.length), stale(run, state) || "current", make("code", {}, run.command)] }));
  return [table("All runs of this page, and the command that made each", [["run"], ["begun"], ["machine"], ["device, precision, threads"], ["cells", true], ["state", false, "wrap"], ["command", false, "wrap"]], rows)];
}
