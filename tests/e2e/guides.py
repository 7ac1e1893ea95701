"""The commands of documentation pages: read from their `console` blocks, and typed into a shell.

A block has one command after each `$ `, over several lines where they end in a backslash. Lines after it are its output as far as it
matters: each has to be found in what the command printed, in order, where `…` stands for anything and white space is not looked at closely.
A command that ends in `# fails` has to fail, every other one has to succeed.
"""

import os
import re
import selectors
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FAILS = re.compile(r"\s+# fails\s*$")


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a page. `line` is where it stands there."""

    line: int
    command: str
    output: tuple[str, ...] = ()
    fails: bool = False


def steps(page: Path) -> Iterator[Step]:
    """The page's commands in order. Raises ValueError for output before any command."""
    text = page.read_text(encoding="utf-8")
    for block in _BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1)) + 1
        yield from _steps(block[1].splitlines(), first, page)


def _steps(lines: list[str], first: int, page: Path) -> Iterator[Step]:
    begun: Step | None = None
    continued = False
    for number, line in enumerate(lines, first):
        if continued and begun is not None:
            begun = Step(begun.line, f"{begun.command}\n{line}")
        elif line.startswith("$ "):
            if begun is not None:
                yield _judged(begun)
            begun = Step(number, line.removeprefix("$ "))
        elif begun is None:
            raise ValueError(f"{page}:{number}: output of no command: a command begins with `$ `")
        elif line.strip():
            begun = Step(begun.line, begun.command, (*begun.output, line.strip()))
        continued = line.endswith("\\")
    if begun is not None:
        yield _judged(begun)


def _judged(step: Step) -> Step:
    command = _FAILS.sub("", step.command)
    return Step(step.line, command, step.output, fails=command != step.command)


def missing(step: Step, printed: str) -> str | None:
    """The first line of the expected output that is not there, after those before it."""
    left = " ".join(printed.split())
    for expected in step.output:
        pieces = [re.escape(" ".join(piece.split())) for piece in expected.split("…")]
        found = re.search(".*?".join(pieces), left)
        if found is None:
            return expected
        left = left[found.end() :]
    return None


class Shell:
    """One bash, as a reader has it open. Use as a context manager; what it left running is ended with it."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._end = f"--end of command {os.getpid()}--"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.killpg(self._process.pid, 15)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def type(self, command: str, seconds: float) -> tuple[int, str]:
        """Its exit code and all it printed. Raises TimeoutError with what it printed so far; the shell is of no use then."""
        assert self._process.stdin is not None
        # Input of its own: what a command reads must not be the commands after it.
        line = f"{{ {command}\n}} </dev/null; printf '\\n%s %s\\n' '{self._end}' $?\n"
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()
        printed = self._until_end(time.monotonic() + seconds, command)
        output, _, code = printed.rpartition(self._end)
        return int(code), output.removesuffix("\n")

    def _until_end(self, until: float, command: str) -> str:
        assert self._process.stdout is not None
        ended, printed = re.compile(rf"{re.escape(self._end)} \d+\n$"), ""
        descriptor = self._process.stdout.fileno()
        with selectors.DefaultSelector() as waiting:
            waiting.register(descriptor, selectors.EVENT_READ)
            while not ended.search(printed):
                if not waiting.select(max(0.0, until - time.monotonic())):
                    raise TimeoutError(f"`{command}` did not end; it printed:\n{printed[-4000:]}")
                piece = os.read(descriptor, 65536)
                if not piece:
                    raise EOFError(f"the shell ended at `{command}`; it printed:\n{printed[-4000:]}")
                printed += piece.decode(errors="replace")
        return printed


def play(shell: Shell, page: Path, seconds: float) -> None:
    """Type every command of the page; `seconds` is for each. Raises AssertionError that names page, line and command."""
    for step in steps(page):
        code, printed = shell.type(step.command, seconds)
        place = f"{page}:{step.line}: `{step.command}`"
        assert (code != 0) == step.fails, f"{place} ended with exit code {code}:\n{printed[-4000:]}"
        lost = missing(step, printed)
        assert lost is None, f"{place} did not print {lost!r} but:\n{printed[-4000:]}"
