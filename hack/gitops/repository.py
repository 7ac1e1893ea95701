"""A Git repository as a team has it: files are written and pushed, and a server hands them out over HTTP."""

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from demo.kubectl import run

_AUTHOR = ("-c", "user.name=team", "-c", "user.email=team@bank.example", "-c", "init.defaultBranch=main")


@dataclass(slots=True)
class Repository:
    """A work tree in `folder`/work, pushed to `folder`/served/models.git. `server` is the binary of hack/gitserver."""

    folder: Path
    server: Path
    url: str = field(default="", init=False)
    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    def __enter__(self) -> "Repository":
        self.work.mkdir(parents=True)
        self._git("init", "--quiet")
        self._bare.parent.mkdir(parents=True)
        run("git", *_AUTHOR, "init", "--quiet", "--bare", str(self._bare))
        command = [str(self.server), "-folder", str(self._bare.parent)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = f"{json.loads(self._process.stdout.readline())['listen']}/{self._bare.name}"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def copy(self, source: Path) -> None:
        """All of `source`, not yet committed."""
        shutil.copytree(source, self.work, dirs_exist_ok=True)

    def write(self, path: str, *documents: Any) -> None:
        """A YAML file, not yet committed."""
        file = self.work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump_all(documents, sort_keys=False))

    def push(self, message: str) -> str:
        """Commit and push all that was written; which commit."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        return self._pushed()

    def revert(self, commit: str = "HEAD") -> str:
        """Undo a commit by another one; which."""
        self._git("revert", "--no-edit", commit)
        return self._pushed()

    def _pushed(self) -> str:
        self._git("push", "--quiet", str(self._bare), "HEAD:main")
        return self.head()

    def head(self) -> str:
        """The last commit."""
        return self._git("rev-parse", "HEAD").strip()

    @property
    def _bare(self) -> Path:
        return self.folder / "served" / "models.git"

    def _git(self, *arguments: str) -> str:
        return run("git", "-C", str(self.work), *_AUTHOR, *arguments)
