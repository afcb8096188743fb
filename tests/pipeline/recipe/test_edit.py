"""Changing a recipe: what it says afterwards, and that all else is as its author wrote it."""

from __future__ import annotations

from typing import Any

import pytest

from pairmill.pipeline.recipe.edit import flow, merged, with_entry
from pairmill.pipeline.recipe.yaml_text import load_yaml
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.degraders.codec import CodecConfig
from pairmill.schemas.degraders.realesrgan import RealEsrganConfig

TOP = "# my recipe\nname: phone   # the corpus\nscale: 2\n"
FORMS = {
    "lines": f"""{TOP}degraders:
  # published
  - kind: bicubic
  - kind: realesrgan   # twice
    first:
      sigma: [0.2, 3.0]  # px
      jpeg_quality:
        - 30
        - 95
    # what follows is on
    sharpen: true
  - {{kind: codec}}
splits: {{train: 0.9, val: 0.1}}  # last
""",
    "one line": f"""{TOP}degraders:
- kind: bicubic
- {{kind: realesrgan, first: {{sigma: [0.2, 3.0], jpeg_quality: [30, 95]}}, sharpen: true}} # twice
- kind: codec
""",
    "all in one": f"""{TOP}degraders: [{{kind: bicubic}},
  {{kind: realesrgan, first: {{sigma: [0.2, 3.0], jpeg_quality: [30, 95]}},  # twice
    sharpen: true}}, {{kind: codec}}]""",
    "quoted": f"""{TOP}"degraders":
  - kind: bicubic
  - "kind": 'realesrgan'  # twice
    "first": {{"sigma": [0.2,
        3.0], jpeg_quality: [30, 95]}}
    sharpen: !!bool "true"
  - kind: codec""",
}


@pytest.mark.parametrize("form", FORMS)
def test_only_what_changes_changes(form: str) -> None:
    text = FORMS[form]
    before = load_yaml(text, "")
    wanted = {
        "kind": "realesrgan",
        "first": {"sigma": [0.2, 1.5], "jpeg_quality": [30, 40], "blur": 0.5},
        "sharpen": False,
        "final_sinc": 1e-5,
        "methods": {"bicubic": 2.0},
    }
    after, in_place = with_entry(text, "degraders", 1, wanted)
    assert in_place
    assert load_yaml(after, "")["degraders"] == [before["degraders"][0], wanted, {"kind": "codec"}]
    for comment in ("# my recipe", "# the corpus", "# twice"):
        assert after.count(comment) == 1
    gone = [line for line in text.split("\n") if line not in after]
    assert all(
        "sharpen" in line or "sigma" in line or "3.0" in line or "95" in line for line in gone
    )


@pytest.mark.parametrize("form", FORMS)
def test_nothing_changes_where_nothing_differs(form: str) -> None:
    text = FORMS[form]
    said = load_yaml(text, "")["degraders"][1]
    assert with_entry(text, "degraders", 1, said) == (text, True)


def test_a_recipe_without_a_list_gets_one() -> None:
    after, in_place = with_entry(
        TOP + "seed: 3", "degraders", 0, {"kind": "realsr", "noise": "raw"}
    )
    assert in_place
    assert after.startswith(TOP + "seed: 3\n")
    assert load_yaml(after, "")["degraders"] == [{"kind": "realsr", "noise": "raw"}]


@pytest.mark.parametrize(
    "text", ["{name: phone, scale: 2}\n", "  name: phone\n  scale: 2\n", f"{TOP}...\n"]
)
def test_a_list_that_cannot_be_appended_is_written_anew(text: str) -> None:
    wanted = {"kind": "ikc", "noise": 0.25}
    after, in_place = with_entry(text, "degraders", 0, wanted)
    assert not in_place
    assert load_yaml(after, "") == {"name": "phone", "scale": 2, "degraders": [wanted]}


def test_a_key_without_a_value_gets_one_and_a_line_below() -> None:
    text = f"{TOP}degraders:\n  - kind: bsrgan\n    sigma:\nseed: 3\n"
    wanted = {"kind": "bsrgan", "sigma": [0.1, 2.0], "in_order": 1.0}
    after, in_place = with_entry(text, "degraders", 0, wanted)
    assert in_place
    assert after == text.replace("sigma:\n", "sigma: [0.1, 2.0]\n    in_order: 1.0\n")


@pytest.mark.parametrize(
    "entries",
    [
        "degraders:\n  - &one {kind: ikc, noise: 0.5}\n  - *one\n",
        "base: &base {kind: ikc, noise: 0.5}\ndegraders:\n  - {kind: bicubic}\n  - {<<: *base}\n",
        "degraders:\n  - {kind: bicubic}\n  - ? kind\n    : ikc\n    ? noise\n    : >-\n"
        "      0.5\n",
        "degraders:\n  - {kind: bicubic}\n  - {kind: ikc, noise: &level 0.5}\nrest: *level\n",
    ],
)
def test_what_cannot_be_edited_in_place_is_written_anew(entries: str) -> None:
    text = TOP + entries
    before = load_yaml(text, "")
    wanted = {**before["degraders"][1], "noise": 0.25}
    after, in_place = with_entry(text, "degraders", 1, wanted)
    assert not in_place
    assert load_yaml(after, "") == {**before, "degraders": [before["degraders"][0], wanted]}


def test_merged_says_what_differs_and_no_more() -> None:
    before = RealEsrganConfig.model_validate({"first": {"sigma": [0.5, 2]}})
    second = before.second.with_(gaussian=0.25)
    after = before.with_(second=second, methods={"area": 1.0})
    said = {"kind": "realesrgan", "first": {"sigma": [0.5, 2]}}
    assert merged(said, before, after) == {
        **said,
        "second": {"gaussian": 0.25},
        "methods": {"area": 1.0},
    }
    chain = BsrganConfig(sigma=(0.1, 2.0))
    assert merged({"kind": "bsrgan", "sigma": [0.1, 2]}, chain, BsrganConfig()) == {
        "kind": "bsrgan",
        "sigma": None,
    }


def test_merged_lists_are_whole_where_the_recipe_has_none() -> None:
    before = CodecConfig()
    tree: Any = before.model_dump()
    tree["codecs"][0]["ops"][0]["quality"] = (10, 20)
    after = CodecConfig.model_validate(tree)
    said = merged({"kind": "codec"}, before, after)
    assert len(said["codecs"]) == len(before.codecs)
    assert CodecConfig.model_validate(said) == after
    short = {"kind": "codec", "codecs": [{"ops": [{"op": "jpeg", "quality": [30, 95]}]}]}
    one = CodecConfig.model_validate(short)
    two = CodecConfig.model_validate(
        {"codecs": [{"ops": [{"op": "jpeg", "quality": [30, 50]}], "weight": 2}]}
    )
    assert merged(short, one, two) == {
        "kind": "codec",
        "codecs": [{"ops": [{"op": "jpeg", "quality": [30, 50]}], "weight": 2.0}],
    }


@pytest.mark.parametrize("value", [1e-5, 2.0, 1e300, True, None, "a: b", [1, [0.5]], {"on": "off"}])
def test_flow_reads_back(value: Any) -> None:
    text = flow(value)
    assert "\n" not in text
    assert load_yaml(f"key: {text}", "")["key"] == value
