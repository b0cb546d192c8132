"""A package that adds to the suite by entry points, as pip leaves it in a folder of packages."""

from __future__ import annotations

from pathlib import Path

from tests.support import adapter_files
from tests.support.task_files import HEAD, TASK, write_data

FIGURE = """
from matplotlib.figure import Figure

NAME, TITLE, READING, ORDER = "extra", "Extra", "Nothing is shown.", 900


def draw(results):
    return Figure()
"""
EXPORT = """
NAME, SHOWS_FAILURES = "words", True


def export(results, options):
    return " ".join(results.about.request.tasks) + "\\n"
"""
MODULES = {
    "adapters": adapter_files.GOOD,
    "figures": FIGURE,
    "exports": EXPORT,
    "tasks": HEAD + TASK.replace('"wine"', '"plugged"') + 'DATA = Npz("good.npz")\n',
}
BROKEN = {
    "raises": "raise RuntimeError('out\\nof order')\n",
    "exits": "import sys\nsys.exit(3)\n",
    "lacks": "NAME = 'lacks'\n",
}


def install(folder: Path) -> Path:
    """Good and broken plug-ins of each kind into `folder`, to be put on PYTHONPATH."""
    package, about = folder / "extra_for_bench", folder / "extra_for_bench-1.0.dist-info"
    package.mkdir(parents=True)
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: extra-for-bench\nVersion: 1.0\n")
    (package / "__init__.py").write_text("")
    write_data(package)
    lines = []
    for kind, text in MODULES.items():
        (package / f"{kind}.py").write_text(text)
        lines += [f"[framework_bench.{kind}]", f"good = extra_for_bench.{kind}"]
        lines += [f"nowhere = extra_for_bench.no_{kind}"]
        lines += [f"{name} = extra_for_bench.{name}" for name in BROKEN]
    for name, text in BROKEN.items():
        (package / f"{name}.py").write_text(text)
    (about / "entry_points.txt").write_text("\n".join(lines))
    return folder
