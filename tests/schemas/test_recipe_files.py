"""What is tracked under data/recipes says what the schemas say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pairmill.flows.cli.demo import RECIPE
from pairmill.pipeline.recipe.load import load_recipe, new_recipe, parse_recipe, recipe_schema
from tests.support.paths import ROOT

RECIPES = ROOT / "data" / "recipes"


def test_the_committed_json_schema_is_the_generated_one() -> None:
    assert (RECIPES / "recipe.schema.json").read_text() == recipe_schema(), "run `make schema`"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_tracked_recipe_is_valid(path: Path) -> None:
    load_recipe(str(path))


def test_recipes_that_commands_write_are_valid() -> None:
    assert parse_recipe(RECIPE, "demo").name == "demo"
    folder = "/a folder/with: 'odd\" names"
    assert parse_recipe(new_recipe("mine", folder, 4), "new").images.real == (folder,)


def test_an_editor_accepts_what_we_accept_and_refuses_a_misspelt_key() -> None:
    schema = json.loads(recipe_schema())
    Draft202012Validator.check_schema(schema)
    editor = Draft202012Validator(schema)
    good = {
        "name": "a",
        "images": {"real": ["x"]},
        "degraders": [{"kind": "realsr", "strength": [0.5, 1]}],
    }
    assert editor.is_valid(good)
    assert not editor.is_valid(good | {"sclae": 2})
    assert not editor.is_valid(good | {"degraders": [{"kind": "realsr", "strenght": [0.5, 1]}]})
    assert not editor.is_valid(good | {"images": {"real": 7}})


def test_every_field_is_described() -> None:
    schema = json.loads(recipe_schema())
    models = [schema, *schema["$defs"].values()]
    missing = [
        f"{model.get('title')}.{name}"
        for model in models
        for name, field in model.get("properties", {}).items()
        if "description" not in field
    ]
    assert not missing
