"""Every command a person or CI runs: bench, tests, report, verify, overhead, calibrate, regress."""

from __future__ import annotations

import json
import shutil
from fnmatch import fnmatch
from itertools import product
from pathlib import Path
from typing import Any

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["bench"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "venv"

# One of each family, and two graphs, of which bench/audit/bare has loops in PyTorch only.
OVERHEAD_TASKS = (
    "fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-forecast", "transformer-imdb", "resnet-photos",
)  # fmt: skip
PYPROJECT = nox.project.load_toml("pyproject.toml")


def runner(session: nox.Session, *groups: str) -> None:
    """Install the suite itself, at the pinned versions: no framework in it."""
    wanted = nox.project.dependency_groups(PYPROJECT, "suite", *groups)
    session.install("-e", ".", *wanted)


def option(session: nox.Session, name: str, default: str) -> str:
    """The value of `--name VALUE` among the arguments after ``--``."""
    given = session.posargs
    return given[given.index(name) + 1] if name in given[:-1] else default


def setup(session: nox.Session) -> list[dict[str, Any]]:
    """Make all environments; returns what `bench list` says of the implementations."""
    device = option(session, "--device", "cpu")
    session.run("bench", "setup", "--device", device, "--implementations", "*")
    text = session.run("bench", "list", "--device", device, "--json", silent=True)
    # Under --install-only nox runs nothing and answers with nothing.
    return list(json.loads(str(text))["implementations"]) if text else []


@nox.session
def bench(session: nox.Session) -> None:
    """Environments, a run (default profile: quick) and its report. Options go to `bench run`."""
    runner(session)
    session.run("bench", "setup", "--device", option(session, "--device", "cpu"))
    session.run("bench", "run", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Lint, types, unit tests, and the conformance of every framework in its own environment."""
    runner(session, "tests")
    session.run("python", "-m", "bench.audit.everything", *session.posargs)


@nox.session
def conformance(session: nox.Session) -> None:
    """The whole conformance of every mode; `nox -s tests` leaves out what takes long."""
    runner(session, "tests")
    setup(session)
    session.run("python", "-m", "bench.audit.conform", "--all")


@nox.session
def hostile(session: nox.Session) -> None:
    """50,000 damaged and foreign files over every reader; `nox -s tests` tries 2,000."""
    runner(session, "tests")
    files = sorted(map(str, Path("tests").rglob("test_hostile.py")))
    session.run("pytest", "-q", "-s", *files, *session.posargs, env={"BENCH_EXAMPLES": "50000"})


@nox.session
def faults(session: nox.Session) -> None:
    """Faults injected, hundreds of each: kills at random instants (60 of each of five kinds),
    workers that misbehave, 5,000 launches by a fake, bad input for every reader; the tables go to
    results/faults. `nox -s tests` tries a few of each. What follows `--` goes to pytest."""
    runner(session, "tests")
    where = {"BENCH_FAULTS": "results/faults", "BENCH_KILLS": "60", "BENCH_LAUNCHES": "5000"}
    files = ("run/test_faults.py", "run/test_long.py", "records/test_readers.py")
    session.run("pytest", "-q", *(f"tests/bench/{file}" for file in files), *session.posargs,
                env=where)  # fmt: skip


@nox.session
def locks(session: nox.Session) -> None:
    """What every environment needs, resolved anew into adapters/*/locks: `-- NAME ...` takes some
    environments. It asks the package index that pip's or uv's settings name."""
    runner(session)
    session.install("-e", ".[uv]")
    session.run("python", "-m", "bench.audit.locks", *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Known weaknesses of every locked release and of the suite's own: pip-audit. It asks a public
    database, so it needs the network; fails where one is found, and where not all could be asked
    about. `-- --ignore-vuln ID`, `-- --vulnerability-service osv` and the like go to pip-audit."""
    runner(session)
    session.install("pip-audit==2.10.1")
    session.run("python", "-m", "bench.audit.weaknesses", *session.posargs)


@nox.session
def ports(session: nox.Session) -> None:
    """`bench certify` on every planted fault of a port; `nox -s tests` tries one of each kind."""
    runner(session, "tests")
    session.run("bench", "setup", "--implementations", "keras,pytorch")
    session.run("pytest", "-q", "tests/bench/port", *session.posargs, env={"BENCH_PORTS": "all"})


@nox.session
def distributed(session: nox.Session) -> None:
    """Every scheme of training on several processes, and every fault of a group, which must be
    refused; `nox -s tests` tries the faults in NumPy and one pair of PyTorch's processes."""
    runner(session, "tests")
    session.run("bench", "setup", "--implementations", "*")
    words = ("tests/bench/distributed", *session.posargs)
    session.run("pytest", "-q", *words, env={"BENCH_GROUPS": "all"})


@nox.session
def ray(session: nox.Session) -> None:
    """Campaigns on two Ray nodes of this machine, in an environment of its own."""
    runner(session, "tests")
    session.install("-e", ".[ray]")
    session.run("bench", "setup", "--implementations", "sklearn")
    session.run("pytest", "-q", "-s", "tests/bench/run/test_ray.py", *session.posargs)


@nox.session
def rows(session: nox.Session) -> None:
    """A million rows of a thousand runs, read and reported within 30 s and 2 GiB; the figures go
    to results/rows. `-- --runs N --cells N` for another size."""
    runner(session)
    session.run("python", "-m", "bench.audit.rows", *session.posargs)


@nox.session
def repeatable(session: nox.Session) -> None:
    """Whether the same seed gives the same losses, launch after launch, on one thread; the table
    goes to results/repeatable. `-- --implementations GLOBS --tasks GLOBS --budget 10m`."""
    runner(session)
    session.run("bench", "setup")
    session.run("python", "-m", "bench.audit.repeatable", *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """Every published run's report made anew from its records; fails where one is not the same."""
    runner(session)
    for run in sorted(Path("results").glob("*/run.json")):
        session.run("bench", "report", str(run.parent), silent=True)
    session.run("bench", "publish", "results")
    session.run("git", "diff", "--exit-code", "--stat", "--", "results", external=True)


@nox.session
def site(session: nox.Session) -> None:
    """The front page in a browser, all of it: 20 random choices against pandas, every width and
    colour scheme, 50 runs within 2 s; `nox -s tests` tries a few seconds of it."""
    runner(session, "tests")
    session.run("pytest", "-q", "tests/bench/site", *session.posargs, env={"BENCH_SITE": "all"})


@nox.session
def agreement(session: nox.Session) -> None:
    """Two runs' verdicts side by side, into results/agreement; fails where two contradict one
    another: `-- results/RUN-A results/RUN-B`."""
    runner(session)
    session.run("python", "-m", "bench.audit.agreement", *session.posargs)


@nox.session
def outside(session: nox.Session) -> None:
    """The adapter from outside of the tree, PaddlePaddle's, as a user tries it: every certificate
    must pass, and none with another beta_2 in its Adam."""
    runner(session, "tests")
    tasks = ("--tasks", "fnn-mnist,cnn-64-10,lstm-forecast")
    example = Path("tests", "outside", "paddle_adapter.py")
    session.run("bench", "verify", "--adapter", str(example), *tasks, *session.posargs)
    faulty = Path(session.create_tmp()) / "faulty.py"
    right, wrong = "adam.beta_2, adam.epsilon", "0.99, adam.epsilon"
    text = example.read_text()
    if right not in text:
        session.error(f"{example} has no {right!r} to plant a fault in")
    faulty.write_text(text.replace(right, wrong))
    session.run("bench", "verify", "--adapter", str(faulty), *session.posargs, success_codes=[1])


# Every runtime once, by ways that are there on every machine.
DEPLOYED = (
    "pytorch:onnx:onnxruntime", "pytorch:onnx:openvino", "pytorch:torch-export:torch",
    "pytorch:executorch:executorch", "tensorflow:saved-model:tensorflow",
    "tensorflow:litert:litert", "jax:jax-export:jax", "mxnet:mxnet-symbol:mxnet",
)  # fmt: skip


@nox.session
def deploy(session: nox.Session) -> None:
    """One model certified in every runtime, and faults planted in real exports refused. With
    options, `bench deploy` with them: `-- --out results/cpu-deploy --budget 20m` is the published
    run."""
    runner(session, "tests")
    if session.posargs:
        session.run("bench", "deploy", "--setup", *session.posargs)
        return
    words = ["--profile", "certify", "--tasks", "fnn-mnist", "--routes", ",".join(DEPLOYED)]
    out = str(Path(session.create_tmp()) / "deploy")
    shutil.rmtree(out, ignore_errors=True)
    session.run("bench", "deploy", "--setup", "--strict", *words, "--out", out)
    session.run("pytest", "-q", "tests/bench/deploy", env={"BENCH_DEPLOY": "all"})


@nox.session(python=["3.11", "3.12"])
def wheel(session: nox.Session) -> None:
    """The wheel alone, in an empty folder: four frameworks installed for this Python and no other,
    certified and measured. Options go to `bench run`, such as `--env pytorch=PYTHON`."""
    place = Path(session.create_tmp()).absolute()
    shutil.rmtree(place / "dist", ignore_errors=True)
    shutil.rmtree(place / "empty", ignore_errors=True)
    (place / "empty").mkdir()
    session.install("build==1.6.1")
    session.run("python", "-m", "build", "--wheel", "--outdir", str(place / "dist"), ".")
    session.install("--force-reinstall", *map(str, (place / "dist").glob("*.whl")))
    # Another cache than the user's, kept for the next time: environments are gigabytes.
    session.env["BENCH_CACHE"] = str(place / "cache")
    rows = "tensorflow:function,keras:fit,mxnet:gluon,jax:flax"
    session.chdir(place / "empty")
    version = str(session.python)
    session.run("bench", "setup", "--implementations", rows, "--python", version)
    session.run("bench", "list")
    more = ",pytorch:loop" if any("pytorch=" in word for word in session.posargs) else ""
    words = ("--profile", "smoke", "--implementations", rows + more, "--out", "mine")
    session.run("bench", "run", *words, *session.posargs)
    session.run("bench", "verify", "--implementations", rows, "--tasks", "fnn-mnist")
    session.run("bench", "report", "mine", silent=True)


@nox.session
def verify(session: nox.Session) -> None:
    """Certificates of every task and implementation, and the refusal of every mutant."""
    runner(session, "tests")
    session.run("bench", "setup", "--device", option(session, "--device", "cpu"))
    session.run("pytest", "-q", "tests/adapters/test_mutants.py")
    session.run("bench", "verify", *session.posargs)


def overhead_launch(
    session: nox.Session, row: dict[str, Any], task: str, answer: Path, words: list[str]
) -> None:
    """One fresh process; writes the answer in every case, for the summary to judge."""
    framework, mode = row["implementation"].split(":")
    asked = {"framework": framework, "mode": mode, "task": task}
    if row["status"] != "ready":  # said in the summary, as a refused task is
        answer.write_text(json.dumps(asked | {"unsupported": f"no environment: {row['reason']}"}))
        return
    command = ["-m", "bench.audit.overhead", "--json", str(answer)]
    command += [word for name, value in asked.items() for word in (f"--{name}", value)]
    # A failure too is in its answer, and the others are measured all the same.
    session.run(row["python"], *command, *words, external=True, success_codes=[0, 1])


@nox.session
def overhead(session: nox.Session) -> None:
    """The suite against bare loops: every ratio of every implementation must be at least 0.97.
    A cell that asks for it (bench/audit/overhead.py) is measured in more launches.

    `-- --only GLOB` takes some implementations, `-- --resume` keeps what an earlier call measured,
    `-- --out FOLDER` writes the table there too; the rest goes to bench/audit/overhead.py."""
    runner(session, "tests")
    only, folder = option(session, "--only", "*"), option(session, "--out", "")
    words = list(session.posargs)
    for name in ("--only", "--out"):
        if name in words[:-1]:
            at = words.index(name)
            del words[at : at + 2]
    out = Path(session.create_tmp())
    resume = "--resume" in words
    for earlier in out.glob("*.json"):
        if not resume or "train_ratio" not in earlier.read_text():
            earlier.unlink()
    words = [word for word in words if word != "--resume"]
    rows = [row for row in setup(session) if fnmatch(row["implementation"], only)]
    for row, task in product(rows, OVERHEAD_TASKS):
        launch = wanted = 1
        while launch <= wanted:
            answer = out / f"{row['implementation'].replace(':', '-')}-{task}-{launch}.json"
            if not answer.exists():
                overhead_launch(session, row, task, answer, words)
            # The first launch tells how many there shall be.
            wanted = json.loads(answer.read_text()).get("launches", 1) if launch == 1 else wanted
            launch += 1
    session.run(
        "python", "-m", "bench.audit.overhead_summary", str(out), *([folder] if folder else [])
    )


@nox.session
def mutants(session: nox.Session) -> None:
    """Every fault of the catalogue in every framework: each must be refused, and every correct
    variant pass. Goes on where it was stopped; the table goes to results/mutants.

    `-- --only GLOB` takes some implementations; the rest goes to bench/audit/mutants.py."""
    runner(session, "tests")
    words, only = list(session.posargs), option(session, "--only", "*")
    if "--only" in words[:-1]:
        at = words.index("--only")
        del words[at : at + 2]
    out = Path(session.create_tmp()).absolute()
    command = ["-m", "bench.audit.mutants"]
    reference = {"implementation": "numpy:fp32", "python": "python", "status": "ready"}
    for row in [reference, *setup(session)]:
        name = row["implementation"]
        if row["status"] != "ready" or not fnmatch(name, only):
            session.warn(f"{name} not tried: {row.get('reason') or 'not asked for'}")
            continue
        asked = ["--implementation", name, "--out", str(out / f"{name.replace(':', '-')}.json")]
        session.run(row["python"], *command, *asked, *words, external=name != "numpy:fp32")
    session.run("python", *command, "summary", str(out), "results/mutants")


@nox.session
def honest(session: nox.Session) -> None:
    """How often the certificate refuses honest work: `-- --tasks GLOB --seeds 0-50 --only GLOB`.
    Goes on where it was stopped; one line a task and seed, into results/certificate."""
    runner(session, "tests")
    tasks, only = option(session, "--tasks", "fnn-mnist"), option(session, "--only", "*")
    folder = Path(session.create_tmp()).absolute()
    out, data = Path("results/certificate").absolute(), folder / "data.json"
    out.mkdir(parents=True, exist_ok=True)
    command = ["-m", "bench.audit.honest", "--tasks", tasks]
    session.run("python", *command, "--prepare", str(data))
    for row in setup(session):
        if row["status"] != "ready" or not fnmatch(row["implementation"], only):
            session.warn(
                f"{row['implementation']} not tried: {row.get('reason') or 'not asked for'}"
            )
            continue
        asked = ["--implementation", row["implementation"], "--data", str(data)]
        asked += ["--seeds", option(session, "--seeds", "0-50"), "--out", str(out / "honest.jsonl")]
        asked += ["--kept", str(folder / "oracle")]
        session.run(row["python"], *command, *asked, external=True)


@nox.session
def calibrate(session: nox.Session) -> None:
    """False alarms and power of the verdicts, measured on this machine, into results/calibration:
    `-- --condition quiet`, `half` or `bursts`. Options go to bench/audit/calibrate.py. Stopped, it
    goes on where it was."""
    runner(session, "tests")
    session.run("python", "-m", "bench.audit.calibrate", "run", *session.posargs)


@nox.session
def precision(session: nox.Session) -> None:
    """How finely the default run decides, quiet and beside a neighbour, into results/precision;
    fails where what is promised is not kept. Finished runs are kept.

    `-- --runs 3 --condition quiet` (or `bursts`, `both`); further options of `bench run` behind
    dashes of their own: `-- --runs 1 -- --profile smoke`."""
    runner(session, "tests")
    session.run("bench", "setup")
    session.run("python", "-m", "bench.audit.precision", *session.posargs)


@nox.session
def regress(session: nox.Session) -> None:
    """Two revisions or versions, interleaved: `-- --base REV` or
    `-- --base tensorflow-cpu==2.20.0 --new tensorflow-cpu==2.21.0`."""
    runner(session)
    session.run("bench", "regress", *session.posargs)
