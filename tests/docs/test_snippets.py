"""Every fenced block of the README and the guides is run, checked, or marked as neither.

By the language behind its fence: `python` is run by a test (here or in the module that `RUN_BY`
names), `yaml` fits the schema of recipes or of trainings, `sh` are commands whose command line is
parsed and whose files are there, `diff` is applied by `tests/test_worked_examples.py`. `console` is
what they print, compared by `tests/docs/test_tutorial.py`. `text` and the
languages of other programs are shown, not run, and counted.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from pairmill.flows.cli.main import app
from pairmill.pipeline.recipe.load import parse_as
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.training import TrainConfig
from tests.support.make import Tiny
from tests.support.paths import ROOT

KINDS = ("tutorials", "how-to", "reference", "explanation")
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "docs/index.md")),
    *sorted(page for kind in KINDS for page in (ROOT / "docs" / kind).rglob("*.md")),
]
WRITTEN = ("docs/reference/api.md",)
"""Signatures, which `tests/docs/test_reference.py` holds to the code."""
BLOCK = re.compile(r"^ *```(\S*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
BLOCKS = [
    (str(page.relative_to(ROOT)), language, text)
    for page in PAGES
    if str(page.relative_to(ROOT)) not in WRITTEN
    for language, text in BLOCK.findall(page.read_text("utf-8"))
]
RUN_BY = {
    "CONTRIBUTING.md": "tests/pipeline/pools/test_toy_pool.py",
    "docs/how-to/camera.md": "tests/flows/cli/test_camera.py",
    "docs/how-to/evaluate.md": "tests/docs/test_snippets.py",
    "docs/how-to/python.md": "tests/package/test_python_docs.py",
    "docs/how-to/read.md": "tests/docs/test_read.py",
    "docs/how-to/training.md": "tests/docs/test_training.py",
}
EVALUATION = "docs/how-to/evaluate.md"
OTHER_YAML = {"docs/how-to/training.md": "tests/docs/test_training.py"}
"""Pages with an option file of another program, and the test that reads it."""
SHOWN = {"console": 8, "text": 12, "csv": 1, "py": 1, "sql": 1, "ini": 1}
"""Most blocks that are shown only, by language."""
OTHERS = {".", "pip", "dask", "prefect", "cd", "git", "mkdir"}
"""Programs whose command lines are theirs."""
COMMAND: Any = typer.main.get_command(app)


def of(*languages: str) -> list[Any]:
    """The blocks in some languages, as parameters of a test."""
    named = [(page, text) for page, language, text in BLOCKS if language in languages]
    return [
        pytest.param(page, text, id=f"{page}-{number}") for number, (page, text) in enumerate(named)
    ]


def parse(arguments: list[str]) -> None:
    """Parse a command line as the program does, without running it.

    Raises:
        click.UsageError: if the program would refuse it.
    """
    command, context = COMMAND, None
    while True:
        context = command.make_context(command.name, list(arguments), parent=context)
        if not hasattr(command, "resolve_command"):
            return
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        _, command, arguments = command.resolve_command(context, rest)


def commands(text: str) -> list[list[str]]:
    """Command lines of a block: without comments, and what may be left out as if it were given."""
    lines = text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(_plain(line), comments=True))]


def _plain(line: str) -> str:
    line = re.sub(r"(?<=\w)\[@\w+\]", "", line)
    return re.sub(r"(?<!\S)\[(-[^\]]+)\]", r"\1", line).replace("...", "")


def test_every_block_has_a_rule() -> None:
    counts = Counter(language for _, language, _ in BLOCKS)
    assert set(counts) <= {"python", "yaml", "sh", "diff", *SHOWN}, "name a language; see above"
    assert counts["python"] > 20
    assert counts["sh"] > 20
    for language, most in SHOWN.items():
        assert counts[language] <= most, f"{language}: can it be run or checked?"


def test_python_is_run_by_a_test_that_reads_the_page() -> None:
    pages = {page for page, language, _ in BLOCKS if language == "python"}
    assert pages == set(RUN_BY)
    for page, test in (*RUN_BY.items(), *OTHER_YAML.items()):
        source = (ROOT / test).read_text("utf-8")
        assert Path(page).name in source or "worked_examples" in source, (page, test)


@pytest.mark.parametrize(("page", "text"), of("yaml"))
def test_yaml_is_of_a_recipe_or_a_training(page: str, text: str) -> None:
    given = yaml.safe_load(text)
    if given is None or (page in OTHER_YAML and "datasets" in given):
        return
    if isinstance(given, list):
        given = {"degraders": given}
    recipe = {"name": "page", "images": {"real": ["photos"]}, "scale": 4}
    training = {"name": "page", "corpus": "page", "network": {"arch": "edsr"}}
    refused = []
    for model, base in ((Recipe, recipe), (TrainConfig, training)):
        try:
            parse_as(model, yaml.safe_dump({**base, **given}), where=page)
        except UserError as error:
            refused.append(str(error))
        else:
            return
    pytest.fail("\n".join([page, text, *refused]))


@pytest.mark.parametrize(("page", "text"), of("sh"))
def test_command_lines_are_accepted(page: str, text: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for words in commands(text):
        program, *arguments = words
        if "pairmill.flows.cli" in arguments:  # under torchrun
            program, arguments = "pairmill", arguments[arguments.index("pairmill.flows.cli") + 1 :]
        if program == "pairmill":
            parse(arguments[: arguments.index(">")] if ">" in arguments else arguments)
            named = [word for word in arguments if word.startswith("data/recipes/")]
            assert all((ROOT / name).is_file() for name in named), (page, words)
        elif program == "make":
            assert {word for word in arguments if "=" not in word} <= targets, (page, words)
        elif program == "python" and arguments[:1] == ["-m"]:
            module = ROOT / arguments[1].replace(".", "/")
            assert module.with_suffix(".py").is_file() or module.is_dir(), (page, words)
        elif program == "python":
            _, _, name = arguments[0].partition("pairmill/")
            assert (ROOT / name).is_file(), (page, words)
        else:
            assert program in OTHERS, (page, words)


def test_command_lines_that_the_program_refuses_are_found() -> None:
    for wrong in ("build", "build a.yaml --no-such-option", "corpus no-such-command", "camera"):
        with pytest.raises((typer._click.exceptions.UsageError, SystemExit)):
            parse(wrong.split())
    assert commands("pairmill a NAME[@VERSION] [--b c] ... # d\n\n  # e\n") == [
        ["pairmill", "a", "NAME", "--b", "c"]
    ]


def test_evaluation_from_python(tiny: Tiny) -> None:
    """The piece of docs/how-to/evaluate.md."""
    (text,) = (block for page, kind, block in BLOCKS if (page, kind) == (EVALUATION, "python"))
    for given, here in (
        ("net.safetensors", "bicubic"),
        ("NAME", "tiny"),
        ('Storage("data")', f'Storage("{tiny.workspace}")'),
    ):
        text = text.replace(given, here)
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102
    assert names["report"].networks
