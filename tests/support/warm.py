"""The ``bench`` command in forks of a process that has imported it: its start is most of its work.

Each fork has the arguments, the folder, the environment and the streams of a command of its own.
``python -m tests.support.warm ANSWERS`` serves: a request is a line of JSON on standard input, its
exit status a line on the file descriptor ANSWERS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bench.run.environments import PROJECT


class Server:
    """One for all tests of this process; it ends with it, at the end of its input."""

    def __init__(self) -> None:
        answers, theirs = os.pipe()
        self.answers = os.fdopen(answers)
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[theirs], text=True,
            cwd=PROJECT,
        )  # fmt: skip
        os.close(theirs)

    def ask(self, request: Mapping[str, Any]) -> int:
        """The exit status of one command."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return int(self.answers.readline())


server = cache(Server)


def run(
    arguments: tuple[str, ...], cwd: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` of the command would."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [str(Path(folder) / name) for name in ("stdout", "stderr")]
        status = server().ask(
            {
                "arguments": arguments, "cwd": str(cwd), "environment": dict(environment),
                "streams": streams,
            }
        )  # fmt: skip
        stdout, stderr = (Path(stream).read_text() for stream in streams)
    return subprocess.CompletedProcess(["bench", *arguments], status, stdout, stderr)


def serve(answers: int) -> None:
    """Answer requests, one after the other."""
    from bench.cli.main import main

    for line in sys.stdin:
        if not (child := os.fork()):
            os.close(answers)
            become(json.loads(line))
            os._exit(called(main))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(answers, f"{status}\n".encode())


def become(request: Mapping[str, Any]) -> None:
    """Take over what a process of its own would have been started with."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["bench", *request["arguments"]]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, path in enumerate(request["streams"], start=1):
        stream = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(stream, number)
        os.close(stream)


def called(main: Any) -> int:
    """The exit status that Python would give."""
    status = 0
    try:
        main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    serve(int(sys.argv[1]))
