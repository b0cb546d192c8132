"""Reads a user's task file, in a process of its own: whatever the file does ends with that process.

``python -m tasks.own.read FILE FOLDER`` leaves FOLDER/answer.json, and beside it the four arrays
where the file brings data. The answer is {"error": one line} or {"task", "scale"}.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tasks.data.arrays import NAMES
from tasks.errors import UserError
from tasks.own.check import checked_rows, checked_task
from tasks.own.sources import rows_of
from tasks.spec.form import definition
from tasks.spec.network import Task

ANSWER = "answer.json"
BYTE_SCALE = 1 / 255  # rows of uint8 are taken for pixels


def read(module: ModuleType, folder: Path) -> tuple[Task, Any]:
    """The task of a module, and its four arrays; None where it takes a data set of the suite."""
    if not hasattr(module, "TASK"):
        raise UserError("it has no TASK = Task(…)")
    task = checked_task(module.TASK)
    if not hasattr(module, "DATA"):
        return task, None
    return task, checked_rows(task, rows_of(module.DATA, folder, task))


def executed(path: Path) -> ModuleType:
    """The file as a module. What stands beside it can be imported, after all else."""
    spec = importlib.util.spec_from_file_location("user_task", path)
    if spec is None or spec.loader is None:
        raise UserError("it is no Python file (its name must end in .py)")
    sys.path.append(str(path.parent))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(path: Path, folder: Path) -> dict[str, Any]:
    """What is written; every way the file can fail is an error of one line."""
    try:
        task, rows = read(executed(path), path.parent)
    except UserError as error:
        return {"error": str(error)}
    except SystemExit as error:
        return {"error": f"it exits (SystemExit {error.code}) instead of giving a TASK"}
    except BaseException as error:
        return {"error": _line_of(error, path)}
    scale = 1.0
    if rows is not None:
        scale = BYTE_SCALE if rows.x_train.dtype == np.uint8 else 1.0
        for name in NAMES:
            np.save(folder / f"{name}.npy", getattr(rows, name))
    return {"task": definition(task), "has_rows": rows is not None, "scale": scale}


def _line_of(error: BaseException, path: Path) -> str:
    """The exception in one line, with the line of the file that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else (lines[-1] if lines else None)
    said = (str(error).strip().splitlines() or [""])[0][:300]
    return f"{type(error).__name__}: {said}" + (f" (line {line})" if line else "")


def main(words: list[str]) -> None:
    """Entry point."""
    path, folder = Path(words[0]), Path(words[1])
    written = json.dumps(answer(path, folder))
    (folder / ANSWER).write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
