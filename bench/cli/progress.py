"""Live progress over the jobs of a run: a bar with time left, or plain lines without a terminal."""

from __future__ import annotations

from time import monotonic
from types import TracebackType

from rich import progress as bars
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table

from bench.cli import live
from bench.plan import eta
from bench.plan.jobs import pending
from bench.records.record import Job
from bench.records.results import Results
from bench.records.schema import Launch
from bench.run.launches import Events
from bench.run.session import Session

MOST_SHOWN = 500  # launches of a run whose verdicts are shown meanwhile: all are read each time


class Progress:
    """Counts finished jobs. Use as a context; pass `events` to the runner."""

    def __init__(self, session: Session, console: Console, quiet: bool = False) -> None:
        self.run = session.run
        self.total = len(session.jobs)
        waiting = pending(session.jobs, session.run.records())
        self.already = self.total - len(waiting)
        self.count = self.already
        self.waiting = {job.id: job for job in waiting}
        self.pace, self.last, self.left = eta.Pace(), monotonic(), ""
        self.console = console
        self.quiet = quiet
        self.bar = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TimeElapsedColumn(),
            bars.TextColumn("{task.fields[left]}"),
            console=console,
        )
        self.row = self.bar.add_task("starting", total=self.total, completed=self.already, left="")
        self.shows = console.is_terminal and not quiet
        self.verdicts: Table | None = None
        self.live = Live(
            console=console, get_renderable=self._shown, refresh_per_second=4, transient=True
        )

    def _shown(self) -> RenderableType:
        return Group(self.verdicts, "", self.bar) if self.verdicts else self.bar

    def __enter__(self) -> Progress:
        if self.shows:
            self.live.start()
        if self.already and not self.quiet:
            self.console.print(f"{self.already} of {self.total} launches were already done")
        return self

    def say(self, text: str) -> None:
        """What is done now, where that is no job."""
        if self.shows:
            self.bar.update(self.row, description=text)
        elif not self.quiet:
            self.console.print(text, markup=False, highlight=False)

    def done(self, job: Job, launch: Launch) -> None:
        """One job more; shown with how it ended when that was not well."""
        self.count += 1
        self._pace(job, launch.status == "ok")
        self.total = max(self.total, self.count)  # adaptive runs add launches
        text = f"{job.cell.task} {job.cell.contender} {job.kind}"
        if self.shows:
            self.bar.update(self.row, total=self.total, advance=1, description=text, left=self.left)
        if launch.status != "ok" and not self.quiet:
            self.console.print(f"{text}: {launch.status}: {launch.reason}", markup=False)
        elif not self.shows and not self.quiet:
            left = f" ({self.left})" if self.left else ""
            line = f"[{self.count}/{self.total}] {text}{left}"
            self.console.print(line, markup=False, highlight=False)

    def _pace(self, job: Job, well: bool) -> None:
        """Time since the job before it; what is left follows from those that are like it. Behind a
        certificate that did not pass nothing is done."""
        if job.kind == "certify" and not well:
            behind = [name for name, one in self.waiting.items() if one.cell == job.cell]
            for name in behind:
                del self.waiting[name]
        now = monotonic()
        self.pace.took(job, now - self.last)
        self.last = now
        self.waiting.pop(job.id, None)
        self.left = eta.words(self.pace.left(self.waiting.values()))

    def polled(self, job: Job) -> None:
        """While a job runs: of a search, which trial it is in."""
        if job.kind == "search" and self.shows:
            trial = min(self.run.trials_done(job.id) + 1, job.trials)
            text = f"{job.cell.task} {job.cell.contender} trial {trial} of {job.trials}"
            self.bar.update(self.row, description=text)

    def sat(self, task: str) -> None:
        """A sitting of the task is over: what its records say so far, in runs that are not long."""
        if self.quiet or self.total > MOST_SHOWN:
            return
        results = Results.read(self.run)
        self.verdicts = live.table(results)
        if not self.shows:
            self.console.print(live.line(results, task), markup=False, highlight=False)

    def turned(self, phase: str, done: int, wanted: int) -> None:
        """In a sitting: the phase, and its turns so far."""
        if self.shows:
            text = f"{phase}, turn {done} of {wanted}" if wanted else phase
            self.bar.update(self.row, description=text)

    @property
    def events(self) -> Events:
        """What the runner is to call."""
        return Events(self.done, self.polled, self.turned, self.sat)

    def stop(self) -> None:
        """Leave the terminal as it was."""
        self.live.stop()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
