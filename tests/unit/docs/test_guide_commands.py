"""The commands of the tutorial and the guides: read as they are written, and such as the command line takes."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from tests.e2e.guides import Shell, Step, missing, play, steps
from tests.resources import ROOT

from headgate.cli.main import app

PAGES = (ROOT / "docs/tutorial.md", *sorted((ROOT / "docs/guides").glob("*.md")))
IDS = [page.stem for page in PAGES]


def page_of(path: Path, *blocks: str) -> Path:
    page = path / "page.md"
    page.write_text("\n".join(f"# Words\n\n```console\n{block}\n```\n" for block in blocks))
    return page


def called(command: str) -> list[list[str]]:
    """The arguments of each call of headgate in a line of shell."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    calls: list[list[str]] = [[]]
    for word in lexer:
        if re.fullmatch(r"[|&;<>()]+", word):
            calls.append([])
        else:
            calls[-1].append(word)
    plain = [call[1:] if call[0] == "kubectl" else call for call in calls if call]
    return [call[1:] for call in plain if call[:1] == ["headgate"]]


def taken(arguments: list[str]) -> None:
    """Raises typer's usage errors. Nothing is run."""
    command = typer.main.get_command(app)
    context = command.make_context("headgate", list(arguments))
    while hasattr(command, "commands"):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)


def of_headgate() -> list[tuple[str, list[str]]]:
    return [(f"{page.stem}:{step.line}", call) for page in PAGES for step in steps(page) for call in called(step.command)]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_block_of_commands_can_be_run(page: Path) -> None:
    blocks = re.findall(r"^```(\w*)$(?:.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert set(blocks) == {"console"}, "a block that is no console block is not run by the test of the guides"
    assert list(steps(page))


@pytest.mark.parametrize(("place", "call"), of_headgate(), ids=[place for place, _ in of_headgate()])
def test_the_command_line_takes_them(place: str, call: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    taken([_there(argument, tmp_path) for argument in call])


def _there(argument: str, directory: Path) -> str:
    """For what an earlier command of the page wrote, something of that name: the command line looks whether it is there."""
    if not argument.startswith(("build/", "$work/")):
        return argument
    written = directory / Path(argument).name
    if written.suffix:
        written.touch()
    return str(written)


def test_an_option_that_does_not_exist_is_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        taken(["status", "credit-scorer", "--colour"])


def test_calls_are_found_within_lines() -> None:
    assert called("sed -e 's/a/b/' x.yaml | headgate lint - > out; kubectl headgate status x -n y") == [
        ["lint", "-"],
        ["status", "x", "-n", "y"],
    ]
    assert called("kubectl get aim") == []


def test_steps_are_read_with_their_lines_their_output_and_what_fails(tmp_path: Path) -> None:
    page = page_of(tmp_path, "$ echo one \\\n    two\none two\n$ false # fails", "$ true # a comment\n\n… and … so on")
    assert list(steps(page)) == [
        Step(4, "echo one \\\n    two", ("one two",)),
        Step(7, "false", fails=True),
        Step(13, "true # a comment", ("… and … so on",)),
    ]


def test_output_without_a_command_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="output of no command"):
        list(steps(page_of(tmp_path, "hello")))


@pytest.mark.parametrize(
    ("expected", "lost"),
    [
        (("node … Ready",), None),
        (("NAME", "…Ready"), None),
        (("Ready", "NAME"), "NAME"),
        (("node NotReady",), "node NotReady"),
        (("…",), None),
    ],
)
def test_output_is_compared_loosely_and_in_order(expected: tuple[str, ...], lost: str | None) -> None:
    assert missing(Step(1, "x", expected), "NAME   STATUS\nnode   control-plane   Ready  1d\n") == lost


def test_a_shell_keeps_what_commands_set_and_tells_exit_codes(tmp_path: Path) -> None:
    with Shell(tmp_path) as shell:
        assert shell.type("export GREETING=hello; cd /", 30) == (0, "")
        assert shell.type('echo "$GREETING" "$PWD" >&2', 30) == (0, "hello /\n")
        assert shell.type("printf 'no line feed'; (exit 3)", 30) == (3, "no line feed")
        assert shell.type("sleep 600 & cat", 30)[0] == 0, "a command gets no input, and others go on behind it"
        assert shell.type("jobs | wc -l", 30) == (0, "1\n")


def test_a_command_that_does_not_end_is_named(tmp_path: Path) -> None:
    with Shell(tmp_path) as shell, pytest.raises(TimeoutError, match="sleep 600"):
        shell.type("sleep 600", 0.2)


@pytest.mark.parametrize(
    ("block", "words"),
    [("$ false", "exit code 1"), ("$ true # fails", "exit code 0"), ("$ echo one\ntwo", "did not print 'two'")],
)
def test_what_goes_wrong_is_told_with_its_line(tmp_path: Path, block: str, words: str) -> None:
    with Shell(tmp_path) as shell, pytest.raises(AssertionError, match=rf"page\.md:4.*{words}"):
        play(shell, page_of(tmp_path, block), 30)


def test_a_page_that_holds_is_played_to_its_end(tmp_path: Path) -> None:
    with Shell(tmp_path) as shell:
        play(shell, page_of(tmp_path, "$ touch here\n$ ls\nhere", "$ test -e there # fails"), 30)
