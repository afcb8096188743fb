"""Names that other programs give to the same weights, and the way from ours to theirs and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Convention:
    """Names of one program for one network; `{n}` stands for a number."""

    arch: str
    """Network that it is for."""
    signs: tuple[str, ...]
    """Keys by which it is known."""
    pairs: tuple[tuple[str, str], ...]
    """Ours and theirs, without `.weight` and `.bias`."""
    counts: dict[str, str] = field(default_factory=dict)
    """Numbers in their names that are counts: how many of our names have this form."""


CONVENTIONS = {
    "esrgan-old": Convention(
        "rrdbnet",
        ("RRDB_trunk.0.RDB1.conv1.weight",),
        (
            ("body.{n}.rdb{k}.conv{j}", "RRDB_trunk.{n}.RDB{k}.conv{j}"),
            ("conv_body", "trunk_conv"),
            ("conv_up{k}", "upconv{k}"),
            ("conv_hr", "HRconv"),
        ),
    ),
    "esrgan": Convention(
        "rrdbnet",
        ("model.1.sub.0.RDB1.conv1.0.weight",),
        (
            ("conv_first", "model.0"),
            ("body.{n}.rdb{k}.conv{j}", "model.1.sub.{n}.RDB{k}.conv{j}.0"),
            ("conv_body", "model.1.sub.{blocks}"),
            ("conv_up1", "model.3"),
            ("conv_up2", "model.6"),
            ("conv_hr", "model.8"),
            ("conv_last", "model.10"),
        ),
        {"blocks": "body.{n}.rdb1.conv1"},
    ),
    "rcan": Convention(
        "rcan",
        ("head.0.weight", "body.0.body.0.body.0.weight"),
        (
            ("conv_first", "head.0"),
            ("body.{g}.residual_group.{b}.rcab.{i}", "body.{g}.body.{b}.body.{i}"),
            (
                "body.{g}.residual_group.{b}.rcab.3.attention.1",
                "body.{g}.body.{b}.body.3.conv_du.0",
            ),
            (
                "body.{g}.residual_group.{b}.rcab.3.attention.3",
                "body.{g}.body.{b}.body.3.conv_du.2",
            ),
            ("body.{g}.conv", "body.{g}.body.{blocks}"),
            ("conv_after_body", "body.{groups}"),
            ("upsample.{i}", "tail.0.{i}"),
            ("conv_last", "tail.1"),
        ),
        {"groups": "body.{n}.conv", "blocks": "body.0.residual_group.{n}.rcab.0"},
    ),
    "edsr": Convention(
        "edsr",
        ("head.0.weight", "body.0.body.0.weight"),
        (
            ("conv_first", "head.0"),
            ("body.{n}.conv1", "body.{n}.body.0"),
            ("body.{n}.conv2", "body.{n}.body.2"),
            ("conv_after_body", "body.{blocks}"),
            ("upsample.{i}", "tail.0.{i}"),
            ("conv_last", "tail.1"),
        ),
        {"blocks": "body.{n}.conv1"},
    ),
    "ipt": Convention("ipt", ("head.0.0.weight", "body.query_embed.weight"), ()),
}
"""`esrgan-old`: ESRGAN after its first rewriting, BSRGAN, RealSR, KAIR; `esrgan`: the original one;
`rcan`, `edsr` and `ipt`: the authors' networks. Ours are those of BasicSR."""
MEANS = ("sub_mean.weight", "sub_mean.bias", "add_mean.weight", "add_mean.bias")
"""Layers of the authors' RCAN, EDSR and IPT that take the mean away and add it; ours keep it
outside the weights."""


def convention_of(tensors: Mapping[str, object]) -> str | None:
    """Whose names these are; none if ours, or nobody's."""
    return next(
        (name for name, each in CONVENTIONS.items() if all(sign in tensors for sign in each.signs)),
        None,
    )


def to_ours(tensors: Tensors) -> Tensors:
    """The same weights by our names; names that nobody knows stay."""
    name = convention_of(tensors)
    if name is None:
        return dict(tensors)
    rules = [(_pattern(theirs), ours) for ours, theirs in CONVENTIONS[name].pairs]
    return {_renamed(key, rules, {}): value for key, value in tensors.items() if key not in MEANS}


def to_theirs(tensors: Tensors, name: str) -> Tensors:
    """Our weights by the names of a convention, without `MEANS`."""
    convention, stems = CONVENTIONS[name], {key.rpartition(".")[0] for key in tensors}
    counts = {
        word: str(sum(1 for stem in stems if _pattern(form).fullmatch(stem)))
        for word, form in convention.counts.items()
    }
    rules = [(_pattern(ours), theirs) for ours, theirs in convention.pairs]
    return {_renamed(key, rules, counts): value for key, value in tensors.items()}


def _renamed(key: str, rules: list[tuple[re.Pattern[str], str]], counts: dict[str, str]) -> str:
    stem, dot, leaf = key.rpartition(".")
    for pattern, other in rules:
        found = pattern.fullmatch(stem)
        if found:
            return other.format(**found.groupdict(), **counts) + dot + leaf
    return key


def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>\\d+)", re.escape(form)))
