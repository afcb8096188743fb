"""The written pages of the reference are those of the code: recipe.md, training-recipe.md, cli.md,
and the signatures in api.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from docs.generate import api, cli, settings, tables
from docs.generate.sections import NOTES, REFERENCE
from pairmill.flows.cli.main import app
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.training.recipe import load_training
from pairmill.schemas.base import Frozen
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.training import TrainConfig


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("recipe", settings.recipe_page),
        ("training-recipe", settings.training_page),
        ("cli", cli.page),
        ("api", api.page),
    ],
)
def test_a_page_is_that_of_the_code(name: str, page: Callable[[], str]) -> None:
    """Fails after a change of schemas, commands or docstrings: run `make docs`."""
    assert page() == (REFERENCE / f"{name}.md").read_text("utf-8"), "run `make docs`"


def test_the_examples_are_recipes() -> None:
    recipe, _ = load_recipe(str(NOTES / "recipe.yaml"))
    assert {degrader.kind for degrader in recipe.degraders} == {"realsr", "bsrgan"}
    training, _ = load_training(str(NOTES / "training-recipe.yaml"))
    assert training.adversarial


def models(of: Any, seen: set[type[Frozen]]) -> Iterator[type[Frozen]]:
    """A model, and all that its fields may hold."""
    if isinstance(of, type) and issubclass(of, Frozen) and of not in seen:
        seen.add(of)
        yield of
        for field in of.model_fields.values():
            yield from models(field.annotation, seen)
    for inner in getattr(of, "__args__", ()):
        yield from models(inner, seen)


@pytest.mark.parametrize(("root", "name"), [(Recipe, "recipe"), (TrainConfig, "training-recipe")])
def test_every_key_has_its_row(root: type[Frozen], name: str) -> None:
    """By the models themselves: every field of every one stands on this page or one it links to."""
    text = (REFERENCE / f"{name}.md").read_text("utf-8")
    linked = {link for link in re.findall(r"\]\(([\w/-]+\.md)", text) if "/README" not in link}
    whole = text + "".join((REFERENCE / link).read_text("utf-8") for link in sorted(linked))
    for model in models(root, set()):
        if ".degraders." in model.__module__:  # pages of their own: test_pages.py
            continue
        for field, info in model.model_fields.items():
            tagged = field in ("kind", "arch", "op") and info.default is not None
            assert tagged or f"| `{field}` |" in whole, (model, field)


def test_a_value_in_a_few_words() -> None:
    pair = {"type": "array", "prefixItems": [{"type": "integer", "minimum": 1}] * 2}
    names = {"propertyNames": {"enum": ["up", "down"]}, "additionalProperties": {"type": "number"}}
    seed = {"type": "integer", "minimum": 0, "exclusiveMaximum": 1 << 63}
    many = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    either = {"anyOf": [{"type": "number", "exclusiveMinimum": 0.5}, {"type": "null"}]}
    assert [tables.values(one, {}) for one in (pair, names, seed, many, either)] == [
        "2 integers, >= 1",
        "{`up`, `down`: number}",
        "integer, >= 0, < 2^63",
        "list of texts, at least 1",
        "number, > 0.5 or none",
    ]


@pytest.mark.parametrize("command", ["corpus gc", "camera", "evaluate"])
def test_the_options_are_those_that_help_prints(command: str) -> None:
    text = (REFERENCE / "cli.md").read_text("utf-8")
    section = re.split(r"^##+ ", text.partition(f"# pairmill {command}\n")[2], flags=re.MULTILINE)
    wide = {"COLUMNS": "240", "TERM": "dumb", "NO_COLOR": "1"}
    printed = CliRunner().invoke(app, [*command.split(), "--help"], env=wide).output
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", section[0]))
    rows = [line for line in printed.splitlines() if re.match(r"\W*--", line)]
    assert {re.search(r"--[a-z0-9-]+", row)[0] for row in rows} - {"--help"} <= options  # type: ignore[index]
    assert len(options) > 3


def test_a_public_name_without_a_place_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(api.GROUPS, "Errors", api.GROUPS["Errors"][1:])
    with pytest.raises(ValueError, match="PairmillError"):
        api.page()


def test_notes_of_pages_are_not_left_over() -> None:
    assert {path.stem for path in Path(NOTES).glob("*.yaml")} <= {
        path.stem for path in REFERENCE.glob("*.md")
    }
