"""The documents say what is so: links lead somewhere, commands and files exist, numbers are read.

Only documents that people write are read for commands and paths; reports are written by a command.
"""

from __future__ import annotations

import ast
import csv
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from bench.cli.main import app
from bench.discover import implementations
from bench.records.metrics import METRICS
from bench.run.environments import PROJECT
from tasks.catalogue.every import SEARCHES, TASKS

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

README = PROJECT / "README.md"
FOLDERS = (".github", "adapters", "bench", "results", "tasks", "tests")
MOST_BYTES = 8192

DOCUMENTS = sorted(
    {*PROJECT.glob("*.md"), *(p for f in FOLDERS for p in (PROJECT / f).rglob("*.md"))}
)
WRITTEN = [path for path in DOCUMENTS if path.parent.parent != PROJECT / "results"]
FORMS = sorted((PROJECT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
YAML = [*sorted((PROJECT / ".github").rglob("*.yml")), PROJECT / ".pre-commit-config.yaml"]


def shown(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=shown)


# --- Markdown, as far as it is needed ------------------------------------------------------------

FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
SPAN = re.compile(r"`([^`\n]+)`")


def prose(path: Path) -> str:
    """A document without its code blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def code(path: Path) -> list[str]:
    """The lines of a document's code blocks, and its code in sentences."""
    blocks = FENCE.findall(path.read_text(encoding="utf-8"))
    lines = [line for block in blocks for line in block.splitlines()[1:-1]]
    return lines + SPAN.findall(prose(path))


def anchors(path: Path) -> set[str]:
    """What headings are linked by, as GitHub makes it of their text."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def links(path: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", SPAN.sub("", prose(path)))


def dead(path: Path) -> list[str]:
    """The relative links of a document that lead nowhere."""
    found = []
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


# --- commands -------------------------------------------------------------------------------------


def bench_calls(path: Path) -> Iterator[list[str]]:
    """The words behind `bench` of every call in a document; through nox those behind its dashes."""
    for line in code(path):
        for part in re.split(r"&&|\|\||;|\s#\s", line):
            through_nox = re.match(r"\s*nox -s (bench|regress) -- (.+)", part)
            plain = re.match(r"\s*(?:\S*/)?bench (\S.*)", part)
            if through_nox:
                command = {"bench": "run", "regress": "regress"}[through_nox[1]]
                yield [command, *shlex.split(through_nox[2])]
            elif plain:
                yield shlex.split(plain[1].split(" > ")[0])


def unknown(words: list[str]) -> str:
    """What of a call of `bench` does not exist; empty when all of it does."""
    command: Any = typer.main.get_command(app)
    words = list(words)
    while words and not words[0].startswith("-") and hasattr(command, "commands"):
        name = words.pop(0)
        if name not in command.commands:
            return name
        command = command.commands[name]
    options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
    strange = [w for w in words if w.startswith("--") and w.split("=")[0] not in options]
    return ", ".join(strange)


@cache
def sessions() -> frozenset[str]:
    """The functions of noxfile.py that nox would run."""
    tree = ast.parse((PROJECT / "noxfile.py").read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(d).startswith("nox.session") for d in node.decorator_list)
    )


# --- paths ----------------------------------------------------------------------------------------

PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*\.(?:py|toml|svg)|[\w.-]+(?:/[\w.-]+)*/")
RUN_FILES = {"searches/", "launches/", "logs/"}  # of a run; results/README.md describes them
NOT_COMMITTED = {".envs/"}


def missing_paths(path: Path) -> list[str]:
    """Files and folders that a document names and that are nowhere it could mean.

    A name may be meant from the project's root, or from any folder in that of the document, as
    `model.py` in that of each framework. Capitals stand for a name of the reader's.
    """
    found = []
    for span in code(path):
        if not PATH.fullmatch(span) or span in NOT_COMMITTED | RUN_FILES:
            continue
        pattern = re.sub(r"\b[A-Z]+\b", "*", span)
        places = [PROJECT.glob(pattern), path.parent.rglob(pattern)]
        if not any(next(iter(place), None) for place in places):
            found.append(span)
    return found


def missing_modules(path: Path) -> list[str]:
    """Modules that a document runs or imports and that are not there."""
    text = "\n".join(code(path))
    names = re.findall(r"-m ((?:bench|adapters|tasks)[\w.]*)", text)
    names += re.findall(r"^from ((?:bench|adapters|tasks)[\w.]*) import", text, re.M)
    places = {name: PROJECT / name.replace(".", "/") for name in names}
    return [
        name
        for name, place in places.items()
        if not place.with_suffix(".py").exists() and not (place / "__init__.py").exists()
    ]


# --- tests ----------------------------------------------------------------------------------------


def test_the_readme_is_one_page() -> None:
    assert len(README.read_bytes()) <= MOST_BYTES


def test_the_readme_leads_to_every_other_document() -> None:
    folders = ("bench", "adapters", "tasks", "results")
    assert {*(f"{name}/README.md" for name in folders), "CHANGELOG.md"} <= set(links(README))


@each(DOCUMENTS)
def test_links_lead_somewhere(path: Path) -> None:
    assert dead(path) == []


@each(WRITTEN)
def test_commands_and_their_options_exist(path: Path) -> None:
    assert [(words, why) for words in bench_calls(path) if (why := unknown(words))] == []


@each([*WRITTEN, *YAML, PROJECT / ".ci" / "run"])
def test_nox_sessions_exist(path: Path) -> None:
    named = set(re.findall(r"\bnox\"? -s ([a-z]+)", path.read_text(encoding="utf-8")))
    assert named <= sessions()


@each(WRITTEN)
def test_files_and_modules_exist(path: Path) -> None:
    assert missing_paths(path) + missing_modules(path) == []


def test_what_is_not_there_is_seen(tmp_path: Path) -> None:
    """The checks above, on a document that is wrong in every way."""
    page = tmp_path / "page.md"
    page.write_text(
        "# A heading\n[a](no.md) [b](#a-heading) [c](#no-heading) `bench/none.py` `bench/`\n"
        "```\nbench run --tasks x --none\n.nox/bench/bin/bench nothing\n"
        "nox -s bench -- --profiles full\npython -m bench.none\n```\n"
    )
    assert dead(page) == ["no.md", "#no-heading"]
    assert [unknown(words) for words in bench_calls(page)] == ["--none", "nothing", "--profiles"]
    assert missing_paths(page) == ["bench/none.py"]
    assert missing_modules(page) == ["bench.none"]


def test_every_session_and_command_is_described() -> None:
    text = (PROJECT / "bench" / "README.md").read_text(encoding="utf-8")
    assert {name for name in sessions() if f"nox -s {name}" not in text} == set()
    everywhere = [words for path in WRITTEN for words in bench_calls(path)]
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert commands - {words[0] for words in everywhere} == set()


def table(path: Path, before: str) -> list[list[str]]:
    """The cells of the first table behind a line that begins so, its headings first."""
    text = re.split(rf"^{before}.*$", path.read_text(encoding="utf-8"), maxsplit=1, flags=re.M)[1]
    found = re.search(r"(?:^\|.*\n)+", text, re.M)
    assert found, (path, before)
    headings, _, *lines = found[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (headings, *lines)]


SHARE = (
    r"^[-* ]*{}: (?:slower than|undecided against|equivalent to) {}[^:]*: train_throughput (\S+) "
    r"of .+? interval (\S+) to (\S+),"
)


def share(report: str, name: str, first: str) -> str:
    """What the report's sentence says of a contender beside the fastest, in two digits."""
    if name == first:
        return "1"
    (found,) = re.findall(SHARE.format(re.escape(name), re.escape(first)), report, re.M)
    value, low, high = (f"{float(number):.2f}" for number in found)
    return f"{value} ({low} to {high})"


def gain(report: str, name: str) -> str:
    """How many times as fast the framework's tuned row trains on fnn-mnist; empty where it has
    none."""
    framework, mode = name.split(":")
    rows = rf"^\| fnn-mnist \| {framework}:\w+ / {mode} \| (\S+) \|"
    found = re.findall(rows, report.partition("What tuning gains in training")[2], re.M)
    return f"{found[0]} times as fast" if found else ""


def test_the_readmes_numbers_are_those_of_the_published_run() -> None:
    """Values are those of table.csv as a report prints them; the shares are the report's."""
    home = PROJECT / "results" / "cpu-both"
    named = {m.column.heading: m for m in METRICS if m.column}
    with open(home / "table.csv", encoding="utf-8", newline="") as file:
        found = [row for row in csv.DictReader(file) if row["task"] == "fnn-mnist"]
    kept = {(row["implementation"], row["metric"]): row for row in found if not row["label"]}
    text = (home / "report.md").read_text(encoding="utf-8")
    of_task = re.split(r"^##+ fnn-mnist$", text, maxsplit=1, flags=re.M)[1]
    of_task = re.split(r"^##+ cnn-64-10$", of_task, maxsplit=1, flags=re.M)[0]
    headings, *lines = table(README, "Its task `fnn-mnist`")
    assert len(lines) == 5
    for name, *cells in lines:
        assert re.search(rf"^\| {re.escape(name)} \| passed", of_task, re.M)
        for heading, cell in zip(headings[1:], cells, strict=True):
            if heading == "share of the fastest":
                assert cell == share(of_task, name, lines[0][0])
            elif heading == "tuned form trains":
                assert cell == gain(text, name)
            else:
                metric = named[heading]
                assert metric.column
                value = float(kept[name, metric.name]["value"])
                assert cell == metric.column.text(value), (name, heading)


def test_the_readmes_latencies_are_those_of_the_published_files() -> None:
    text = (PROJECT / "results" / "cpu-deploy" / "report.md").read_text(encoding="utf-8")
    of_task = text.partition("\n### lstm-forecast\n")[2]

    def median(route: str) -> str:
        return re.findall(rf"^\| {re.escape(route)} \| ([\d.]+)", of_task, re.M)[0]

    _, *lines = table(README, r"From \[results/cpu-deploy")
    assert {line[0] for line in lines} == {"keras", "pytorch", "mxnet", "jax", "tensorflow"}
    for writer, route, own, other in lines:
        assert (own, other) == (
            median(f"{writer}:{route}"), median(f"{writer}:onnx:onnxruntime"),
        )  # fmt: skip


def test_the_readmes_command_is_the_one_that_made_the_numbers() -> None:
    (command,) = re.findall(r"^Made by `(.+)`\.$", README.read_text(encoding="utf-8"), re.M)
    home = PROJECT / "results" / "cpu-both"
    run = json.loads((home / "run.json").read_text(encoding="utf-8"))
    assert shlex.split(command) == run["command"].split()


def test_every_task_stands_in_the_table_of_tasks() -> None:
    page = PROJECT / "tasks" / "README.md"
    told = [tuple(row) for row in table(page, "## The tasks")[1:]]
    assert told == [
        (f"`{t.name}`", t.data, t.metric, f"{t.target.embedded:g}", str(t.epochs))
        for t in TASKS
        if t.target
    ]
    assert all(f"`{search.name}`" in page.read_text(encoding="utf-8") for search in SEARCHES)


def test_every_mode_is_described() -> None:
    text = (PROJECT / "bench" / "README.md").read_text(encoding="utf-8")
    for row in implementations():
        usual = f"`{row.name}` (usual)"
        assert (usual in text) if row.usual else (f"`{row.name}`" in text), row.name
        assert row.usual or usual not in text, row.name


def test_the_picture_of_the_packages_is_shown() -> None:
    assert "architecture.svg" in links(PROJECT / "bench" / "README.md")


@each(YAML)
def test_yaml_files_parse(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


@each([path for path in FORMS if path.name != "config.yml"])
def test_an_issue_form_asks_something(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= form.keys()
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    names = [part["id"] for part in asked]
    assert len(set(names)) == len(names)
    assert all(part["attributes"].get("label") or part["type"] == "checkboxes" for part in asked)
    assert any(part.get("validations", {}).get("required") for part in asked)


def test_a_bug_comes_with_its_machine_and_version() -> None:
    text = (PROJECT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8")
    assert "bench doctor --json" in text
    assert "bench --version" in text
    assert unknown(["doctor", "--json"]) == unknown(["--version"]) == ""


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    path = PROJECT / ".github" / "workflows" / "tests.yml"
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def test_the_tests_workflow_runs_the_readmes_commands(workflow: dict[Any, Any]) -> None:
    assert {"pull_request", "push"} <= workflow[True].keys()  # YAML 1.1 reads `on` as a boolean
    steps = workflow["jobs"]["tests"]["steps"]
    run = [step["run"] for step in steps if "run" in step]
    lines = [line.split(" #")[0].strip() for line in code(README)]
    assert run == ["python3 -m pip install nox", "nox -s tests"]
    assert set(run) <= set(lines)


def test_the_tests_workflow_may_only_read_and_is_pinned(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    used = [s["uses"] for job in workflow["jobs"].values() for s in job["steps"] if "uses" in s]
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", name) for name in used), used


def test_hooks_run_the_pinned_tools_and_download_nothing() -> None:
    text = (PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (repository,) = yaml.safe_load(text)["repos"]
    assert repository["repo"] == "local"
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    pinned = {pin.split("==")[0] for pin in project["dependency-groups"]["tests"] if "==" in pin}
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        home, tool = hook["entry"].split()[0].rsplit("/", 1)
        assert home == ".nox/tests/bin"
        assert tool in pinned
    assert [hook["id"] for hook in repository["hooks"]] == ["ruff-check", "ruff-format", "mypy"]
