// The state is in the address: what is chosen can be linked to.
const START = {
  machine: "", device: "", precision: "", threads: "", division: "documented", family: "", task: "", run: "", metric: "train_throughput",
  baseline: BEST, without: [], age: 180, price: DATA.price || 0, steps: 1000, x: "memory", timeline: "",
};
const VIEWS = { answer: answerView, compare: compareView, cells: cellsView, fronts: frontsView, compiling: compilingView, versions: versionsView, failed: failedView, runs: runsView };
let state = null;

/** The choice that an address says, with what it leaves out. */
function read(fragment) {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const found = { ...START, ...settingLike({ device: "cpu" }, "documented") };
  if (!found.machine) Object.assign(found, settingLike({}, "documented"));
  if (!found.machine) Object.assign(found, settingLike({}, "tuned"), { division: "tuned" });
  if (!found.machine && DATA.runs.length) SETTING.forEach((name) => { found[name] = DATA.runs[0][name]; });
  for (const [name, value] of given) {
    if (name === "without") found.without = value.split(",").filter(Boolean);
    else if (typeof START[name] === "number") found[name] = Number.isFinite(+value) && +value >= 0 ? +value : found[name];
    else if (typeof START[name] === "string") found[name] = value;
  }
  return settled(found);
}

/** With a setting that some run has, and names that exist. */
function settled(wanted, kept = "") {
  const found = { ...wanted };
  const order = [...SETTING].sort((a, b) => (b === kept) - (a === kept));
  let runs = DATA.runs;
  for (const name of order) {
    const fits = runs.filter((run) => run[name] === found[name]);
    if (!fits.length && runs.length) found[name] = runs[0][name];
    runs = runs.filter((run) => run[name] === found[name]);
  }
  const divisions = different(runs.flatMap((run) => run.cells), (c) => c.division);
  if (divisions.length && !divisions.includes(found.division)) found.division = divisions[0];
  if (!METRIC[found.metric]) found.metric = START.metric;
  if (!FRONTS[found.x]) found.x = START.x;
  const all = contests({ ...found, family: "", task: "" });
  if (found.task && !all.some((c) => c.task === found.task)) found.task = "";
  if (found.family && !all.some((c) => family(c.run, c.task) === found.family)) found.family = "";
  if (found.run && !runs.some((run) => run.name === found.run)) found.run = "";
  const names = all.flatMap((c) => c.cells.filter((x) => included(x, found)).map((x) => x.implementation));
  if (found.baseline !== BEST && !names.includes(found.baseline)) found.baseline = BEST;
  return found;
}

function go(changes, place = "") {
  const kept = Object.keys(changes).find((name) => SETTING.includes(name)) || "";
  state = settled({ ...state, ...changes }, kept);
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    const text = Array.isArray(value) ? value.join() : String(value);
    if (SETTING.includes(name) || text !== String(START[name])) said.set(name, text);
  }
  history.replaceState(null, "", `#${said}`);
  show();
  if (place) {
    const target = document.getElementById(place);
    target.scrollIntoView();
    target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
  }
}

function choice(name, label, values, words = (v) => v) {
  return make("label", {}, label, make("select", { id: `filter-${name}`, onchange: (e) => go({ [name]: e.target.value }) },
    values.map((v) => make("option", { value: v, selected: v === state[name] }, words(v)))));
}

function filters() {
  const all = contests({ ...state, family: "", task: "" }, true);
  const inFamily = all.filter((c) => !state.family || family(c.run, c.task) === state.family);
  const cells = all.flatMap((c) => c.cells);
  const here = DATA.runs.filter((run) => ofSetting(run, state));
  const frameworks = different(DATA.runs.filter((run) => ofSetting(run, state)).flatMap((run) => run.cells), (c) => c.framework);
  const every = (words) => (v) => v || words;
  return [
    ...SETTING.map((name) => choice(name, name, different(DATA.runs, (run) => run[name]))),
    choice("division", "division", different(here.flatMap((run) => run.cells), (c) => c.division)),
    choice("family", "kind of network", ["", ...different(all, (c) => family(c.run, c.task))], (v) => v ? DATA.families[v] || v : "all"),
    choice("task", "task", ["", ...different(inFamily, (c) => c.task)], every("all")),
    choice("metric", "what", DATA.metrics.map((m) => m.name), title),
    choice("baseline", "baseline", ["", ...different(cells.filter((c) => included(c, state)), (c) => c.implementation)], every("each task's best")),
    choice("run", "run", ["", ...here.map((run) => run.name)], every("newest of each task")),
    make("label", {}, "grey after days", make("input", { id: "filter-age", type: "number", min: 1, value: state.age, onchange: (e) => go({ age: +e.target.value || START.age }) })),
    make("label", {}, "price an hour", make("input", { id: "filter-price", type: "number", min: 0, step: "any", value: state.price || "", onchange: (e) => go({ price: Math.max(0, +e.target.value || 0) }) })),
    make("fieldset", {}, make("legend", {}, "frameworks"), frameworks.map((name) => make("label", { class: "check" },
      make("input", { type: "checkbox", value: name, checked: !state.without.includes(name), onchange: (e) => go({ without: e.target.checked ? state.without.filter((n) => n !== name) : [...state.without, name].sort() }) }), name))),
    make("button", { type: "button", id: "reset", onclick: () => { state = read(""); go({}); } }, "Start again"),
  ];
}

function show() {
  const focused = document.activeElement?.id;
  document.getElementById("filters").replaceChildren(...filters());
  for (const [name, view] of Object.entries(VIEWS)) {
    document.getElementById(`v-${name}`).replaceChildren(...view(state).filter(Boolean));
  }
  const shown = contests(state);
  const cells = shown.flatMap((c) => c.cells.filter((x) => included(x, state)));
  const valued = cells.filter((c) => certified(c) && c.values[state.metric]).length;
  document.getElementById("status").textContent = `${plural(shown.length, "task")}, ${plural(cells.length, "cell")}, of which ${valued} are certified and have a value.`;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

document.getElementById("filters").addEventListener("submit", (e) => e.preventDefault());
document.getElementById("to-answer").addEventListener("click", (e) => { e.preventDefault(); document.getElementById("answer").focus(); });
document.getElementById("questions").append(...QUESTIONS.map(([words, change, place]) => make("button", { type: "button", onclick: () => go(change(), place) }, words)));
window.addEventListener("hashchange", () => { state = read(location.hash); show(); });
state = read(location.hash);
show();
