"""CONTRIBUTING.md as written: all its examples in one copy of the repository, which keeps every
rule. That they run is in `tests/pipeline/pools/test_toy_pool.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.worked_examples import TEXT, applied, carried_out, changes, modules

THOROUGH = (
    "tests/conformance/test_ops.py",
    "tests/conformance/test_networks.py",
    "tests/conformance/test_degraders.py",
    "tests/models",
    "tests/schemas",
    "tests/docs/test_pages.py",
    "tests/pipeline/ops",
    "tests/pipeline/export",
    "tests/pipeline/recipe",
)

SCHEMAS = {
    "recipe.schema.json": ("recipe.load", "recipe_schema"),
    "train/train.schema.json": ("training.recipe", "training_schema"),
}
"""What `make schema` writes, by what."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "copy"
    applied(folder)
    return folder


def test_examples_are_named() -> None:
    """Every example says which file it is of, so that none is left out here."""
    assert TEXT.count("```python\n") == len(modules(TEXT)) > 5
    assert TEXT.count("```diff\n") == len(changes(TEXT)) > 10


def test_they_keep_the_style(copy: Path) -> None:
    new = [name for name, _ in (*modules(TEXT), *changes(TEXT)) if name.endswith(".py")]
    carried_out(copy, "-m", "ruff", "check", "--no-cache", "-q", *new)
    carried_out(copy, "-m", "ruff", "format", "--no-cache", "--check", "-q", *new)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_else_is_broken_by_them(copy: Path) -> None:
    """With what a contributor runs after them, `make schema` and `make docs`."""
    for file, (module, name) in SCHEMAS.items():
        write = f"from pairmill.pipeline.{module} import {name}; print({name}(), end='')"
        (copy / "data/recipes" / file).write_text(carried_out(copy, "-P", "-c", write), "utf-8")
    carried_out(copy, "-m", "docs.generate", limit=600)
    carried_out(copy, "-m", "mypy", limit=900)
    carried_out(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *THOROUGH, limit=1500)
