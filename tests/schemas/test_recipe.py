"""Recipes: what is refused, and that each field explains itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from pairmill.schemas.recipe import Recipe

GOOD: dict[str, Any] = {"name": "c", "images": {"real": ["photos"]}}


def with_at(place: str, value: Any) -> dict[str, Any]:
    recipe = json.loads(json.dumps(GOOD))
    *folders, last = place.split(".")
    inner = recipe
    for folder in folders:
        inner = inner.setdefault(folder, {})
    inner[last] = value
    return recipe


def test_the_shortest_recipe() -> None:
    recipe = Recipe.model_validate(GOOD)
    assert (recipe.scale, recipe.tiles.size, recipe.tiles.step, recipe.draws_from("kernels")) == (
        2,
        256,
        256,
        True,
    )
    assert Recipe.model_validate_json(recipe.canonical_json()) == recipe
    assert Recipe.model_validate(recipe.model_dump()) == recipe


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("sclae", 4),
        ("tiles.sise", 64),
        ("degraders", [{"kind": "realsr", "strenght": [1, 1]}]),
        ("images.reel", ["x"]),
        ("kernels.iteration", 9),
        ("noise.path", 64),
        ("splits.valid", 0.1),
    ],
)
def test_unknown_keys_are_errors_with_their_place(place: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate(with_at(place, value))
    error = caught.value.errors()[0]
    assert error["type"] == "extra_forbidden"
    assert error["loc"][-1] == ("strenght" if place == "degraders" else place.split(".")[-1])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("scale", 5),
        ("scale", "two"),
        ("scale", 2.5),
        ("seed", -1),
        ("seed", 1.5),
        ("seed", 1 << 63),
        ("name", "My Corpus"),
        ("name", "a.b"),
        ("name", ""),
        ("tiles.size", "large"),
        ("tiles.size", 8),
        ("tiles", 64),
        ("images", "photos"),
        ("images.real", [3]),
        ("splits.train", 0),
        ("splits.val", -0.1),
        ("shards.samples", 0),
        ("samples_per_tile", 0),
        ("degraders", []),
        ("degraders", [{"kind": "bsrgann"}]),
        ("degraders", [{"kind": "bicubic", "weight": 0}]),
        ("degraders", [{"kind": "realsr", "strength": [1.2, 0.8]}]),
        ("degraders", [{"kind": "realsr", "strength": [-1, 1]}]),
        ("degraders", [{"kind": "bicubic"}, {"kind": "bicubic"}]),
        ("kernels.iterations", 1),
        ("noise.patch", 33),
        ("noise.max_variance", "automatic"),
        ("noise.max_variance", float("inf")),
        ("clean_up.factor", 0),
        ("scale", None),
        ("kernels.decay_at", 0.5),
        ("ingest.min_side", 3),
    ],
)
def test_wrong_values_are_errors_with_their_place(place: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate(with_at(place, value))
    assert any(
        str(place.split(".")[0]) in map(str, error["loc"])
        or place in error["msg"]
        or "degraders" in error["msg"]
        for error in caught.value.errors()
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": {}}, "give at least one of real and clean"),
        (
            {"scale": 8, "tiles": {"size": 100}},
            "tiles.size must be a multiple of the scale 8, got 100",
        ),
        (
            {"scale": 3, "tiles": {"size": 48}, "kernels": {"method": "kernelgan"}},
            "allows scales 2, 4 and 8, got 3",
        ),
        ({"images": {"clean": ["x"]}}, "images.real, which is empty"),
    ],
)
def test_contradictions_are_errors(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Recipe.model_validate(GOOD | changes)


def test_scale_three_is_for_bicubic() -> None:
    recipe = Recipe.model_validate(
        GOOD | {"scale": 3, "tiles": {"size": 48}, "degraders": [{"kind": "bicubic"}]}
    )
    assert not recipe.draws_from("kernels")


def test_recipes_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Recipe.model_validate(GOOD).seed = 3  # type: ignore[misc]


def test_json_schema_explains_every_field() -> None:
    schema = Recipe.model_json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["additionalProperties"] is False
    for name, part in {"Recipe": schema, **schema["$defs"]}.items():
        assert part.get("description"), name
        for field, value in part.get("properties", {}).items():
            assert value.get("description"), f"{name}.{field}"


@pytest.mark.parametrize(
    ("written", "method"),
    [
        ({}, "camera"),
        ({"min_side": 80}, "camera"),
        ({"method": "spectral"}, "spectral"),
        ({"method": "kernelgan", "restarts": 3}, "kernelgan"),
        ({"restarts": 3}, "kernelgan"),
    ],
    ids=["default", "shared settings", "spectral", "kernelgan", "settings of before methods"],
)
def test_the_method_of_kernels(written: dict[str, Any], method: str) -> None:
    found = Recipe.model_validate({"name": "a", "images": {"real": "x"}, "kernels": written})
    assert found.kernels.method == method
    again = Recipe.model_validate(found.model_dump(mode="json"))
    assert again == found


def test_a_method_that_there_is_not() -> None:
    with pytest.raises(ValidationError, match="allowed: camera, spectral, kernelgan"):
        Recipe.model_validate({"name": "a", "images": {"real": "x"}, "kernels": {"method": "x"}})


def test_realsr_works_at_scale_3() -> None:
    recipe = Recipe.model_validate(
        {"name": "a", "scale": 3, "tiles": {"size": 48}, "images": {"real": "x"}}
    )
    assert recipe.scale == 3
