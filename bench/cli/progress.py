"""Live progress over the jobs of a run: a bar with time left, or plain lines without a terminal."""

from __future__ import annotations

from types import TracebackType

from rich import progress as bars
from rich.console import Console

from bench.plan.jobs import pending
from bench.records.record import Job
from bench.records.schema import Launch
from bench.run.session import Session


class Progress:
    """Counts finished jobs. Use as a context; pass `done` and `polled` to the runner."""

    def __init__(self, session: Session, console: Console, quiet: bool = False) -> None:
        self.run = session.run
        self.total = len(session.jobs)
        self.already = self.total - len(pending(session.jobs, session.run.records()))
        self.count = self.already
        self.console = console
        self.quiet = quiet
        self.bar = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TimeElapsedColumn(),
            bars.TextColumn("left"),
            bars.TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self.row = self.bar.add_task("starting", total=self.total, completed=self.already)

    def __enter__(self) -> Progress:
        self.bar.start()
        if self.already and not self.quiet:
            self.console.print(f"{self.already} of {self.total} launches were already done")
        return self

    def say(self, text: str) -> None:
        """What is done now, where that is no job."""
        if not self.bar.disable:
            self.bar.update(self.row, description=text)
        elif not self.quiet:
            self.console.print(text, markup=False, highlight=False)

    def done(self, job: Job, launch: Launch) -> None:
        """One job more; shown with how it ended when that was not well."""
        self.count += 1
        self.total = max(self.total, self.count)  # adaptive runs add launches
        text = f"{job.cell.task} {job.cell.contender} {job.kind}"
        if not self.bar.disable:
            self.bar.update(self.row, total=self.total, advance=1, description=text)
        if launch.status != "ok" and not self.quiet:
            self.console.print(f"{text}: {launch.status}: {launch.reason}", markup=False)
        elif self.bar.disable and not self.quiet:
            self.console.print(f"[{self.count}/{self.total}] {text}", markup=False, highlight=False)

    def polled(self, job: Job) -> None:
        """While a job runs: of a search, which trial it is in."""
        if job.kind == "search" and not self.bar.disable:
            trial = min(self.run.trials_done(job.id) + 1, job.trials)
            text = f"{job.cell.task} {job.cell.contender} trial {trial} of {job.trials}"
            self.bar.update(self.row, description=text)

    def turned(self, phase: str, done: int, wanted: int) -> None:
        """In a sitting: the phase, and its turns so far."""
        if not self.bar.disable:
            text = f"{phase}, turn {done} of {wanted}" if wanted else phase
            self.bar.update(self.row, description=text)

    def stop(self) -> None:
        """Leave the terminal as it was."""
        self.bar.stop()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
