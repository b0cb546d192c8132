"""Where the rows of a user's own task come from: a CSV, an NPZ, a folder of pictures, a function.

    DATA = Csv("customers.csv", target="left")
    DATA = Npz("rows.npz")                  # x, y; or x_train, y_train, x_test, y_test
    DATA = Pictures("photographs")          # a folder a class
    def DATA(): return x, y                 # or x_train, y_train, x_test, y_test

Paths are relative to the task file. Where nothing says which rows are for testing, one in five is,
drawn with a fixed seed, of classes the same share of each.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np

from tasks.data.arrays import NAMES, Arrays
from tasks.data.files import archives, splits
from tasks.data.split import stratified
from tasks.errors import UserError
from tasks.spec.network import Task

TEST_SHARE = 0.2
MOST_DEVIATIONS = 1e4
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


@dataclass(frozen=True)
class Csv:
    """A table of numbers, a row a line, a heading allowed. x: all columns but the target's, in the
    task's input shape; each standardised with the mean and deviation of the training rows, unless
    `standardise` is False. target: a heading, or empty for the last column."""

    path: str
    target: str = ""
    standardise: bool = True
    delimiter: str = ","

    def rows(self, folder: Path, task: Task) -> Arrays:
        """float32 or int32 rows in the task's shape."""
        path = folder / self.path
        headings, table = _table(path, self.delimiter)
        column = _target_column(path, headings, self.target)
        x, y = np.delete(table, column, axis=1), table[:, column]
        if x.shape[1] != prod(task.input_shape):
            raise UserError(
                f"{path} has {x.shape[1]} columns beside the target, and input_shape "
                f"{task.input_shape} takes {prod(task.input_shape)}"
            )
        train, test = _split(task, y)
        if self.standardise and task.input_dtype == "float32":
            x = _standardised(path, [n for n in headings if n != headings[column]], x, train)
        x = x.reshape(len(x), *task.input_shape)
        return Arrays(x[train], y[train], x[test], y[test])


@dataclass(frozen=True)
class Npz:
    """Arrays of NumPy's savez: x and y, or x_train, y_train, x_test and y_test."""

    path: str

    def rows(self, folder: Path, task: Task) -> Arrays:
        """As they stand in the file; nothing pickled is read."""
        path = folder / self.path
        if path.is_file() and not is_zipfile(path):
            raise UserError(f"{path} is no NPZ, which is a zip of arrays; numpy.savez writes one")
        try:
            archives.opened(path).close()
            with np.load(path, allow_pickle=False) as archive:
                names = [name for name in (*NAMES, "x", "y") if name in archive.files]
                arrays = {name: archive[name] for name in names}
        except (*archives.BROKEN, TypeError, AttributeError) as error:
            raise _unreadable(path, "NPZ", error) from None
        return of_arrays(arrays, task, str(path))


@dataclass(frozen=True)
class Pictures:
    """A folder that holds a folder a class; classes are numbered in the order of their names.
    Pictures are scaled to the task's input shape: (height, width) for grey, (height, width, 3).
    Where it holds train/ and test/ (or valid/ …) instead, with a folder a class in each, that is
    the split."""

    path: str

    def rows(self, folder: Path, task: Task) -> Arrays:
        """uint8 rows, 0 to 255."""
        place = folder / self.path
        if not place.is_dir():
            raise UserError(f"{place} is no folder; Pictures takes one that holds a folder a class")
        folders = sorted(path for path in place.iterdir() if _is_shown(path))
        parts = [splits.part_of(path.name) for path in folders]
        if any(parts):
            return self._of_parts(place, dict(zip(folders, parts, strict=True)), task)
        x, y = _classes(place, folders, task)
        train, test = _split(task, y)
        return Arrays(x[train], y[train], x[test], y[test])

    def _of_parts(self, place: Path, parts: Mapping[Path, splits.SplitPart], task: Task) -> Arrays:
        """Where the folders are the set's own parts, with a folder a class in each."""
        made: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        names: set[tuple[str, ...]] = set()
        for part in ("train", "test"):
            folders = [path for path, one in parts.items() if one == part]
            if len(folders) != 1 or len(parts) != 2:
                raise UserError(
                    f"{place} must hold a folder a class, or one of train/ and test/ each, with a "
                    f"folder a class in it; it holds {', '.join(p.name for p in parts)[:200]}"
                )
            classes = sorted(path for path in folders[0].iterdir() if _is_shown(path))
            names.add(tuple(path.name for path in classes))
            made[part] = _classes(folders[0], classes, task)
        if len(names) != 1:
            raise UserError(f"{place}: its parts must hold the same classes")
        return Arrays(*made["train"], *made["test"])


def _is_shown(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith((".", "__"))


def _classes(place: Path, folders: Sequence[Path], task: Task) -> tuple[np.ndarray, np.ndarray]:
    """x uint8 (N, ...) and y int64 (N,): pictures of a folder a class."""
    files = [(path, n) for n, one in enumerate(folders) for path in _pictures(one)]
    if len(folders) < 2 or len({n for _, n in files}) < len(folders):
        raise UserError(f"{place} must hold two folders or more, a class each, with pictures")
    x = np.stack([_pixels(path, task.input_shape) for path, _ in files])
    return x, np.array([number for _, number in files], np.int64)


def rows_of(source: Any, folder: Path, task: Task) -> Arrays:
    """The rows of a source, not yet checked against the task; `UserError` says what is wrong."""
    if isinstance(source, Csv | Npz | Pictures):
        return source.rows(folder, task)
    if not callable(source):
        raise UserError(
            f"DATA is {type(source).__name__}; write a Csv, an Npz, Pictures or a function"
        )
    return of_arrays(source(), task, "DATA()")


def of_arrays(given: Any, task: Task, where: str) -> Arrays:
    """Arrays by name, or two or four in order: x, y; x_train, y_train, x_test, y_test."""
    if isinstance(given, Arrays):
        return given
    if isinstance(given, Mapping):
        names = NAMES if all(name in given for name in NAMES) else ("x", "y")
        lacking = [name for name in names if name not in given]
        parts = [] if lacking else [given[name] for name in names]
    else:
        parts = list(given) if isinstance(given, tuple | list) else []
    if len(parts) not in (2, 4):
        raise UserError(f"{where} must give x and y, or {', '.join(NAMES)}")
    arrays = [np.asarray(part) for part in parts]
    if len(arrays) == 4:
        return Arrays(*arrays)
    x, y = arrays
    if x.ndim == 0 or y.ndim != 1 or len(x) != len(y):
        raise UserError(f"{where} gives x {x.shape} and y {y.shape}; y must be (rows,) as x has")
    train, test = _split(task, y)
    return Arrays(x[train], y[train], x[test], y[test])


def _standardised(path: Path, names: Sequence[str], x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """With the mean and deviation of the training rows. `UserError` names a column that never
    changes there, or that holds a value beyond all others."""
    with np.errstate(all="ignore"):
        deviation, mean = x[train].std(axis=0), x[train].mean(axis=0)
        steady = ~(deviation > 1e-9 * np.abs(x[train]).max(axis=0))
        scaled = (x - mean) / deviation
    for column, name in enumerate(names):
        if steady[column]:
            raise UserError(f"{path}, column {name}: it never changes in training rows; remove it")
        if not np.abs(scaled[:, column]).max() < MOST_DEVIATIONS:
            raise UserError(
                f"{path}, column {name}: a value lies more than {MOST_DEVIATIONS:.0f} standard "
                "deviations from the mean of the training rows; correct it, or take logarithms"
            )
    return np.asarray(scaled)


def _split(task: Task, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers for training and for testing."""
    if task.loss != "mean_squared_error":
        return stratified(y, TEST_SHARE)
    order = np.random.default_rng(0).permutation(len(y))
    test = round(TEST_SHARE * len(y))
    return order[test:], order[:test]


def _table(path: Path, delimiter: str) -> tuple[list[str], np.ndarray]:
    """The headings, or numbers in their place, and float64 (lines, columns)."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [(n, row) for n, row in _numbered(csv.reader(file, delimiter=delimiter)) if row]
    except (OSError, UnicodeDecodeError, csv.Error, TypeError) as error:
        raise _unreadable(path, "CSV", error) from None
    has_heading = bool(lines) and all(not _is_number(cell) for cell in lines[0][1])
    headings = lines[0][1] if has_heading else []
    lines = lines[1:] if has_heading else lines
    if not lines:
        raise UserError(f"{path} is empty: it has no line of numbers")
    width = len(headings or lines[0][1])
    names = [cell.strip() for cell in headings] or [str(n + 1) for n in range(width)]
    if width < 2:
        raise UserError(f"{path} has one column only; another separator? Csv(…, delimiter=';')")
    for number, row in lines:
        if len(row) != width:
            raise UserError(f"{path} line {number} has {len(row)} values, the first has {width}")
    values = [
        [
            _number(cell, f"{path} line {n}, column {name}")
            for name, cell in zip(names, row, strict=True)
        ]
        for n, row in lines
    ]
    return names, np.array(values, np.float64)


def _numbered(reader: Any) -> Sequence[tuple[int, list[str]]]:
    """Lines with the number of the line in the file where each ends."""
    return [(reader.line_num, row) for row in reader]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return not cell.strip()  # a value that is missing, and no heading
    return True


def _number(cell: str, where: str) -> float:
    if not cell.strip():
        raise UserError(f"{where} is empty; fill it in, or remove the line")
    try:
        value = float(cell)
    except ValueError:
        raise UserError(f"{where}: {cell.strip()[:40]!r} is no number; write numbers") from None
    if math.isinf(value):
        raise UserError(f"{where}: {cell.strip()[:40]} is beyond what a float holds; write numbers")
    if math.isnan(value):
        raise UserError(f"{where}: {cell.strip()} is a missing value; fill it in, or remove it")
    return value


def _target_column(path: Path, headings: Sequence[str], target: str) -> int:
    if not target:
        return len(headings) - 1
    if target not in headings:
        raise UserError(f"{path} has no column {target!r}; it has {', '.join(headings)[:200]}")
    return headings.index(target)


def _pictures(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    return sorted(path for path in found if not path.name.startswith("."))


def _pixels(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    from PIL import Image, ImageOps

    if len(shape) not in (2, 3) or shape[2:] not in ((), (1,), (3,)):
        raise UserError(
            f"Pictures need an input_shape (height, width) or (height, width, 3): {shape}"
        )
    try:
        with Image.open(path) as picture:
            upright = ImageOps.exif_transpose(picture)
            grey = upright.convert("RGB" if shape[2:] == (3,) else "L")
            pixels = np.asarray(grey.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(path, "picture", error) from None
    return pixels.reshape(shape)


def _unreadable(path: Path, kind: str, error: Exception) -> UserError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if archives.is_of_pickles(error):
        why = archives.NO_PICKLES
    return UserError(f"{path} cannot be read as {kind}: {why.splitlines()[0] if why else 'broken'}")
