"""A report of 100,000 rows is built in a minute of one processor and 2 GiB, in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.records.metrics import METRICS
from bench.records.store import Run
from bench.run.environments import PROJECT
from tests.support.records import about, record, run_file

ROWS = 100_000
CONTENDERS = 20
SECONDS, BYTES = 60.0, 2 * 2**30
MEASURE = """
import json, resource, sys, time
from pathlib import Path
started = time.process_time()
from bench.report import publish
from bench.records.results import Results
from bench.records.store import Run
publish.write(Results.read(Run.open(Path(sys.argv[1]))), Path(sys.argv[2]))
seconds = time.process_time() - started
peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "bytes": peak}))
"""


def test_a_hundred_thousand_rows(tmp_path: Path) -> None:
    cells = -(-ROWS // len(METRICS))
    names = [f"framework{k}:mode" for k in range(CONTENDERS)]
    tasks = [f"task-{k}" for k in range(-(-cells // CONTENDERS))]
    run = Run.create(tmp_path / "run", run_file(about(tasks, names)))
    for task in tasks:
        for k, name in enumerate(names):
            one = record(name, 0, 0.1 + 0.01 * k, "", task)
            path = run.launches / f"{one['launch']['job']['id']}.json"
            path.write_text(json.dumps(one))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(run.path), str(tmp_path / "out")],
        capture_output=True, text=True, check=True, cwd=PROJECT,
    )  # fmt: skip
    found = json.loads(done.stdout)
    with open(tmp_path / "out" / "table.csv") as table:
        assert sum(1 for _ in table) - 1 >= ROWS
    page = (tmp_path / "out" / "index.html").read_text()
    assert f"of {len(tasks) * CONTENDERS} rows" in page
    assert found["seconds"] <= SECONDS, found
    assert found["bytes"] <= BYTES, found
