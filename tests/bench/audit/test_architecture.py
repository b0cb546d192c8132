"""The picture of the packages is drawn from the code as it is, and every line in it goes down."""

from __future__ import annotations

from pathlib import Path

from bench.audit import architecture


def test_the_committed_picture_is_what_the_command_draws(tmp_path: Path) -> None:
    architecture.draw(tmp_path / "drawn.svg")
    assert (tmp_path / "drawn.svg").read_bytes() == architecture.PICTURE.read_bytes()


def test_no_import_goes_up_so_there_is_no_circle() -> None:
    found = architecture.edges()
    assert architecture.upward(found) == []
    assert all(found[package] for package in ("cli", "run", "worker")), "nothing was read"


def test_an_import_against_the_order_is_seen(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "store.py").write_text("from bench.cli.main import app\n")
    assert architecture.upward(architecture.edges(tmp_path)) == [("records", "cli")]
