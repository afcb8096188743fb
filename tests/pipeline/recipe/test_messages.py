"""What a wrong recipe is told: the place, what was found there, and the nearest thing that is
allowed."""

from __future__ import annotations

import inspect
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pairmill.pipeline.recipe.load import load_recipe, parse_as, parse_recipe, recipe_schema
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.degraders.block_noise import BlockNoiseConfig
from pairmill.schemas.degraders.custom import CustomConfig
from pairmill.schemas.degraders.steps import KERNELS, OPS, OneOf
from pairmill.schemas.errors import UserError
from pairmill.schemas.kernel import CameraKernelsConfig
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.training import TrainConfig


def text(degrader: Any, **changes: Any) -> str:
    return json.dumps({"name": "m", "images": {"clean": ["x"]}, "degraders": [degrader]} | changes)


def custom(*ops: Any) -> dict[str, Any]:
    return {"kind": "custom", "ops": ops}


GAUSSIAN = {"shape": "gaussian", "sigma_x": 1, "sigma_y": 1}


@pytest.mark.parametrize(
    ("degrader", "message"),
    [
        ({"kind": "bsrgn"}, 'degraders[0]: no degrader is called "bsrgn"; did you mean bsrgan?'),
        ({"weight": 1}, "degraders[0]: no `kind:`; allowed: aligned, bicubic, block_noise, bsrgan"),
        (
            {"kind": "bsrgan", "chian": "plus"},
            "degraders[0].chian: no such key; did you mean chain?",
        ),
        (
            {"kind": "bsrgan", "sigma": [3, 1]},
            "degraders[0].sigma: a range is [least, largest], got [3.0, 1.0]",
        ),
        (
            {"kind": "bsrgan", "noise_modes": {"color": 1}},
            "degraders[0].noise_modes.color: should be 'colour', 'grey'",
        ),
        (
            {"kind": "bsrgan", "methods": {"area": 0}},
            "degraders[0].methods: at least one weight must be above 0",
        ),
        (
            {"kind": "bsrgan", "anisotropic": 2},
            "degraders[0].anisotropic: should be less than or equal to 1, found 2",
        ),
        (
            {"kind": "realesrgan", "second": {"blurr": 1}},
            "degraders[0].second.blurr: no such key; did you mean blur?",
        ),
        (
            {"kind": "realesrgan", "first": {"blur_size": [6, 20]}},
            "degraders[0].first.blur_size: sizes are odd, got [6, 20]",
        ),
        ({"kind": "srmd", "size": 14}, "degraders[0]: size must be odd, got 14"),
        (
            {"kind": "bicubic", "weight": "much"},
            'degraders[0].weight: should be a valid number, found "much"',
        ),
        (
            {"kind": "bicubic", "weight": {"trian": 1}},
            "degraders[0].weight.trian: should be 'train', 'val' or 'test'",
        ),
        ({"kind": "bicubic", "name": "My Own"}, "degraders[0].name: should match pattern"),
        (
            {"kind": "codec", "codecs": [{"ops": [{"op": "blur"}]}]},
            'no op is called "blur"; allowed: avif',
        ),
        (
            custom({"op": "blurr"}),
            'degraders[0].ops[0]: no op is called "blurr"; did you mean blur?',
        ),
        (
            custom({"sigma": 3}),
            "degraders[0].ops[0]: no `op:`; allowed: avif, bicubic_down, block_noise, blur",
        ),
        (
            custom({"op": "blur", "kernel": {"shape": "gausian"}}),
            'no kernel is called "gausian"; did you mean gaussian?',
        ),
        (
            custom({"op": "jpeg", "qality": 3}),
            "degraders[0].ops[0].qality: no such key; did you mean quality?",
        ),
        (
            custom({"op": "jpeg", "quality": [95, 30]}),
            "ops[0].quality: a range is [least, largest], got [95, 30]",
        ),
        (
            custom({"op": "jpeg", "quality": 120}),
            "degraders[0].ops[0].quality: should be less than or equal to 100, found 120",
        ),
        (
            custom({"op": "jpeg", "quality": {"choices": [50, 300]}}),
            "quality: should be less than or equal to 100, found 300",
        ),
        (
            custom({"op": "jpeg", "quality": "good"}),
            'degraders[0].ops[0].quality: should be a valid integer, found "good"',
        ),
        (
            custom({"op": "gaussian_noise", "sigma": {"log": [0, 5]}}),
            "ops[0].sigma: a log range begins above 0, got 0",
        ),
        (
            custom({"op": "gaussian_noise", "sigma": {"log": [9, 5]}}),
            "a range is [least, largest], got [9.0, 5.0]",
        ),
        (
            custom({"op": "gaussian_noise", "sigma": 5, "mode": "blue"}),
            "ops[0].mode: should be 'colour', 'grey' or 'correlated'",
        ),
        (
            custom({"op": "blur", "kernel": GAUSSIAN, "p": 1.5}),
            "ops[0].p: should be less than or equal to 1, found 1.5",
        ),
        (custom({"one_of": []}), "degraders[0].ops[0].one_of: needs at least one entry"),
        (
            custom({"one_of": [{"ops": [{"op": "jpeg", "quality": 300}]}]}),
            "ops[0].one_of[0].ops[0].quality: should be less than",
        ),
        (
            custom({"one_of": [{"weihgt": 1, "ops": []}]}),
            "ops[0].one_of[0].weihgt: no such key; did you mean weight?",
        ),
        (custom(), "degraders[0].ops: needs at least one entry"),
    ],
)
def test_messages(degrader: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_recipe(text(degrader), "r.yaml")
    assert message in caught.value.got
    assert "Input" not in caught.value.got
    assert caught.value.where == "r.yaml"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": True}, "seed: should be a valid integer, found true"),
        (
            {"splits": {"train": False, "val": 1}},
            "splits.train: should be a valid number, found false",
        ),
        ({"name": 7, "seed": True}, "found 7\n       seed: should be a valid integer, found true"),
        (
            {"degraders": [{"kind": "bsrgan", "sharpen": False, "weight": True}]},
            "degraders[0].weight: should be a valid",
        ),
        (
            {"degraders": [custom({"op": "jpeg", "quality": [True, 90]})]},
            "quality[0]: should be a valid integer, found true",
        ),
        (
            {"degraders": [custom({"op": "gaussian_noise", "sigma": {"choices": [2, True]}})]},
            "choices[1]: should be a valid",
        ),
    ],
)
def test_a_truth_value_is_no_number(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_recipe(text({"kind": "bicubic"}, **changes), "r.yaml")
    assert message in caught.value.got
    assert "at least one entry" not in caught.value.got


def test_truth_values_stay_where_they_belong() -> None:
    subsample = {"op": "chroma_subsample", "smooth": [True, False]}
    degraders = [{"kind": "bsrgan", "sharpen": False}, custom(subsample)]
    recipe = parse_recipe(text(None, degraders=degraders), "r.yaml")
    assert recipe == Recipe.model_validate(json.loads(text(None, degraders=degraders)))
    assert recipe.model_dump()["degraders"][0]["sharpen"] is False
    least = "name: m\ncorpus: c\nsteps: 1\nnetwork: {arch: espcn}\n"
    assert parse_as(TrainConfig, least + "compile: yes\n", "t.yaml").compile is True
    with pytest.raises(UserError) as caught:
        parse_as(TrainConfig, least + "ema: on\n", "t.yaml")
    assert caught.value.got == 'ema: should be a valid number, found "on"'


def test_words_that_old_yaml_takes_for_truth_values() -> None:
    """A value `off` without quotes, a field that is true or false, and a setting once called `on`;
    what is stored keeps that name, so that versions and finished units are found."""
    least = "name: m\nimages: {real: [x]}\n"
    plain = parse_recipe(least + "degraders: [{kind: realsr, compression: off}]", "r.yaml")
    assert plain.degraders[0].model_dump()["compression"] == "off"
    kernels = parse_recipe(least + "kernels: {field: yes, channels: off}", "r.yaml").kernels
    assert kernels == CameraKernelsConfig(field=True)
    for key in ("added_to", "on", '"on"'):
        recipe = parse_recipe(least + f"degraders: [{{kind: block_noise, {key}: lr}}]", "r.yaml")
        assert recipe.degraders == (BlockNoiseConfig(added_to="lr"),)
    assert (
        BlockNoiseConfig.model_validate_json(recipe.degraders[0].canonical_json()).added_to == "lr"
    )
    assert '"on":"lr"' in recipe.degraders[0].canonical_json()
    with pytest.raises(UserError, match="added_to and its old name, on, both stand here"):
        parse_recipe(least + "degraders: [{kind: block_noise, on: lr, added_to: lr}]", "r.yaml")


def test_only_what_is_wrong_is_named() -> None:
    """Neither the other arms of a union nor the list around it."""
    with pytest.raises(UserError) as caught:
        parse_recipe(text(custom({"op": "jpeg", "quality": [50, 120]})), "r.yaml")
    assert (
        caught.value.got
        == "degraders[0].ops[0].quality[1]: should be less than or equal to 100, found 120"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("curation: " + "[" * 4000, "in one another too deep"),
        ("curation: &a {alike: *a}", "an alias that lies in what it stands for"),
        ("splits: &a [*a]", "an alias that lies in what it stands for"),
        ("seed: " + "9" * 5000, "5000 digits"),
        ("seed: 2020-13-45", "month must be in 1..12"),
        ("seed: !!int abc", "abc"),
        ("scale: 2\nscale: 4", "'scale' stands twice"),
    ],
)
def test_text_that_is_no_yaml(line: str, message: str) -> None:
    with pytest.raises(UserError, match=r"not valid YAML") as caught:
        parse_recipe(
            "name: m\nimages: {real: [x]}\ndegraders: [{kind: bicubic}]\n" + line, "r.yaml"
        )
    assert message in caught.value.got


def test_a_table_may_be_merged_into_another() -> None:
    lines = (
        "name: m\nimages: {real: [x]}\ndegraders:\n- &first {kind: ikc, weight: 2, name: "
        "one}\n- {<<: *first, name: two}\n"
    )
    first, second = parse_recipe(lines, "r.yaml").degraders
    assert (first.name, second.name, first.weight, second.weight) == ("one", "two", 2, 2)


def test_a_table_is_not_called_by_its_class() -> None:
    with pytest.raises(UserError) as caught:
        parse_recipe(text({"kind": "bicubic"}, tiles=[96, 96]), "r.yaml")
    assert caught.value.got == "tiles: should be a table, `key: value`, found [96, 96]"
    with pytest.raises(UserError) as caught:
        parse_as(TrainConfig, "name: m\ncorpus: c\nsteps: 1\ndegraders: [realsr]\n", "t.yaml")
    assert 'degraders: should be a table, `key: value`, found ["realsr"]' in caught.value.got


def test_a_folder_is_no_recipe_and_of_many_recipes_some_are_named(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"r{number:02}.yaml").write_text("")
    with pytest.raises(UserError, match="this is a folder, not a recipe file") as caught:
        load_recipe(str(tmp_path))
    assert caught.value.got.endswith("r06.yaml, r07.yaml and 4 more")
    with pytest.raises(UserError, match="no such recipe file") as caught:
        load_recipe(str(tmp_path / "r3.yaml"))
    assert "did you mean" in caught.value.todo


def test_a_scale_without_published_values() -> None:
    with pytest.raises(
        UserError,
        match="degrader ikc: its published widths are for scales 2, 3 and 4; at 8 say `width:",
    ):
        parse_recipe(text({"kind": "ikc"}, scale=8), "r.yaml")
    assert (
        parse_recipe(text({"kind": "ikc", "width": [0.2, 8], "size": 41}, scale=8), "r.yaml").scale
        == 8
    )


EXAMPLES: dict[str, dict[str, Any]] = {
    "blur": {"kernel": GAUSSIAN | {"sigma_x": [0.5, 3], "angle": [0, 1, 2]}},
    "gaussian_noise": {"sigma": [1, 25]},
    "speckle_noise": {"sigma": {"log": [0.01, 0.1]}},
    "shot_read_noise": {"shot": [0.1, 1], "read": {"choices": [1, 2]}},
    "poisson_noise": {"peak": [100, 1000]},
    "block_noise": {"sigma": [0, [20, 75]]},
    "webp": {"quality": [20, 90]},
    "jpeg": {"quality": [30, 50, 90], "subsampling": ["420", "444"], "phase": [[0, 7], 0]},
    "avif": {"quality": 50},
    "jpeg_xl": {"distance": [0.5, 6]},
    "video": {"codec": ["h264", "hevc"], "crf": [20, 40]},
    "subsample": {"scale": 2},
    "bicubic_down": {"scale": [1, 2]},
    "chroma_subsample": {"smooth": [True, False]},
    "resize": {"factor": [0.5, 2], "method": ["area", "bicubic"]},
}
FREE = {
    name
    for name, op in OPS.items()
    if not any(f.is_required() for key, f in op.model_fields.items() if key != "key")
}
EVERY = [
    {"op": name} | EXAMPLES.get(name, {})
    for name in [*OPS, "resize"]
    if name in FREE or name in EXAMPLES
]


def test_an_editor_knows_every_op_with_its_ranges() -> None:
    editor = Draft202012Validator(json.loads(recipe_schema()))
    good = json.loads(
        text(custom(*EVERY, {"one_of": [{"weight": 2, "ops": EVERY[:2]}, {"ops": []}], "p": 0.5}))
    )
    assert list(editor.iter_errors(good)) == []
    for wrong in (
        {"op": "jpeg", "quality": [30, 120]},
        {"op": "jpeg", "qality": 30},
        {"op": "jpg", "quality": 3},
        {"op": "avif"},
        {"op": "blur", "kernel": {"shape": "gaussian", "sigma_x": 1}},
        {"one_of": [{"op": "clip"}]},
    ):
        assert not editor.is_valid(json.loads(text(custom(wrong)))), wrong


def test_every_op_has_a_twin_that_survives() -> None:
    """Through dumps, JSON, and pickle, which workers use."""
    config = CustomConfig.model_validate(custom(*EVERY))
    assert {step.op for step in config.ops if not isinstance(step, OneOf)} >= {*FREE, *EXAMPLES}
    assert len(EVERY) > 20
    for again in (
        CustomConfig.model_validate(config.model_dump()),
        pickle.loads(pickle.dumps(config)),  # noqa: S301
        CustomConfig.model_validate_json(config.canonical_json()),
    ):
        assert again == config


def test_twins_describe_what_ops_describe() -> None:
    definitions = json.loads(recipe_schema())["$defs"]
    for name, model in {**OPS, **KERNELS}.items():
        twin = definitions[f"{model.__name__}Draw"]
        assert twin["description"] == inspect.getdoc(model), name
        for field in set(twin["properties"]) - {"p"}:
            assert (
                twin["properties"][field]["description"] == model.model_fields[field].description
            ), (name, field)


@pytest.mark.parametrize("kind", CONFIGS)
def test_resolved_recipes_are_recipes(kind: str) -> None:
    config = CONFIGS[kind].model_validate({"ops": [{"op": "clip"}]} if kind == "custom" else {})
    images = {
        "real": ["x"],
        "pairs": {"lq": "y", "hq": "z"},
        "aligned": {"lr": "y", "hr": "z"},
    }
    recipe = Recipe.model_validate({"name": "m", "images": images, "degraders": [config]})
    assert Recipe.model_validate_json(recipe.canonical_json()) == recipe
