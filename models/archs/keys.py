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
    range: float | None = None
    """What files by these names count white as, where our settings can say it."""
    scales: tuple[int, ...] = ()
    """Scales that the names are for; none: all."""
    means: str = ""
    """Name of the layers that take the mean away and add it, `{}` for sub or add; empty: none."""

    def mean_keys(self) -> tuple[str, ...]:
        """Keys of these layers: 1 x 1 convolutions, which ours keeps outside the weights."""
        if not self.means:
            return ()
        return tuple(
            f"{self.means.format(word)}.{leaf}"
            for word in ("sub", "add")
            for leaf in ("weight", "bias")
        )


def _rdn(last: int, *scales: int) -> Convention:
    """EDSR-PyTorch's RDN, whose last convolution is numbered with those that upscale."""
    return Convention(
        "rdn",
        ("SFENet1.weight", f"UPNet.{last}.weight"),
        (
            ("conv_first", "SFENet1"),
            ("conv_second", "SFENet2"),
            ("body.{n}.convs.{k}", "RDBs.{n}.convs.{k}.conv.0"),
            ("body.{n}.fuse", "RDBs.{n}.LFF"),
            ("fuse", "GFF.0"),
            ("conv_after_body", "GFF.1"),
            ("conv_last", f"UPNet.{last}"),
            ("upsample.{i}", "UPNet.{i}"),
        ),
        range=255.0,
        scales=scales,
    )


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
        range=255.0,
        means="{}_mean",
    ),
    "mdsr": Convention(
        "mdsr",
        ("head.0.weight", "pre_process.0.0.body.0.weight"),
        (
            ("conv_first", "head.0"),
            ("pre_process.{h}.{k}.conv1", "pre_process.{h}.{k}.body.0"),
            ("pre_process.{h}.{k}.conv2", "pre_process.{h}.{k}.body.2"),
            ("body.{n}.conv1", "body.{n}.body.0"),
            ("body.{n}.conv2", "body.{n}.body.2"),
            ("conv_after_body", "body.{blocks}"),
            ("conv_last", "tail.0"),
        ),
        {"blocks": "body.{n}.conv1"},
        range=255.0,
        means="{}_mean",
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
        range=255.0,
        means="{}_mean",
    ),
    "carn": Convention(
        "carn",
        ("entry.weight", "b1.b1.body.0.weight"),
        (
            ("conv_first", "entry"),
            ("body.b{i}.b{k}.conv1", "b{i}.b{k}.body.0"),
            ("body.b{i}.b{k}.conv2", "b{i}.b{k}.body.2"),
            ("body.b{i}.b{k}.conv3", "b{i}.b{k}.body.4"),
            ("body.b{i}.c{k}", "b{i}.c{k}.body.0"),
            ("body.c{k}", "c{k}.body.0"),
            ("upsample.up{s}.{i}", "upsample.up{s}.body.{i}"),
            ("conv_last", "exit"),
        ),
        means="{}_mean.shifter",
    ),
    "msrn": Convention(
        "msrn",
        ("head.0.weight", "body.0.conv_3_1.weight"),
        (
            ("conv_first", "head.0"),
            ("body.{n}.small{k}", "body.{n}.conv_3_{k}"),
            ("body.{n}.large{k}", "body.{n}.conv_5_{k}"),
            ("body.{n}.fuse", "body.{n}.confusion"),
            ("fuse", "tail.0"),
            ("conv_after_body", "tail.1"),
            ("upsample.{i}", "tail.2.{i}"),
            ("conv_last", "tail.3"),
        ),
        range=255.0,
        means="{}_mean",
    ),
    "srfbn": Convention(
        "srfbn",
        ("conv_in.0.weight", "block.upBlocks.0.0.weight"),
        (
            ("conv_first.conv", "conv_in.0"),
            ("conv_first.act", "conv_in.1"),
            ("features.conv", "feat_in.0"),
            ("features.act", "feat_in.1"),
            ("block.compress_in.conv", "block.compress_in.0"),
            ("block.compress_in.act", "block.compress_in.1"),
            ("block.compress_out.conv", "block.compress_out.0"),
            ("block.compress_out.act", "block.compress_out.1"),
            ("block.ups.{g}.deconv", "block.upBlocks.{g}.0"),
            ("block.ups.{g}.act", "block.upBlocks.{g}.1"),
            ("block.downs.{g}.conv", "block.downBlocks.{g}.0"),
            ("block.downs.{g}.act", "block.downBlocks.{g}.1"),
            ("block.fuse_ups.{g}.conv", "block.uptranBlocks.{g}.0"),
            ("block.fuse_ups.{g}.act", "block.uptranBlocks.{g}.1"),
            ("block.fuse_downs.{g}.conv", "block.downtranBlocks.{g}.0"),
            ("block.fuse_downs.{g}.act", "block.downtranBlocks.{g}.1"),
            ("up.deconv", "out.0"),
            ("up.act", "out.1"),
            ("conv_last", "conv_out.0"),
        ),
        range=255.0,
        means="{}_mean",
    ),
    "rdn-x8": _rdn(6, 8),
    "rdn": _rdn(4, 4),
    "rdn-x2": _rdn(2, 2, 3),
    "rdn-yjn870": Convention(
        "rdn",
        ("sfe1.weight", "rdbs.0.lff.weight"),
        (
            ("conv_first", "sfe1"),
            ("conv_second", "sfe2"),
            ("body.{n}.convs.{k}", "rdbs.{n}.layers.{k}.conv"),
            ("body.{n}.fuse", "rdbs.{n}.lff"),
            ("fuse", "gff.0"),
            ("conv_after_body", "gff.1"),
            ("upsample.{i}", "upscale.{i}"),
            ("conv_last", "output"),
        ),
        range=1.0,
    ),
    "vdsr": Convention(
        "vdsr",
        ("input.weight", "residual_layer.0.conv.weight"),
        (
            ("conv_first", "input"),
            ("body.{n}", "residual_layer.{n}.conv"),
            ("conv_last", "output"),
        ),
    ),
    "ipt": Convention(
        "ipt",
        ("head.0.0.weight", "body.query_embed.weight"),
        (
            ("conv_first", "head.0.0"),
            ("head.0.body.{k}", "head.0.1.body.{k}"),
            ("head.1.body.{k}", "head.0.2.body.{k}"),
            ("upsample.{i}", "tail.0.0.{i}"),
            ("conv_last", "tail.0.1"),
        ),
        range=255.0,
        means="{}_mean",
    ),
}
"""`esrgan-old`: ESRGAN after its first rewriting, BSRGAN, RealSR, KAIR; `esrgan`: the original one;
`rcan`, `edsr`, `mdsr` and `ipt`: the authors' networks; `carn`, `msrn`, `srfbn`: the authors' ports
to PyTorch; `rdn`, `rdn-x2` (2 and 3), `rdn-x8`: EDSR-PyTorch; `vdsr`: twtygqyy's port. Ours are
those of BasicSR."""


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
    convention = CONVENTIONS[name]
    rules = [(_pattern(theirs), ours) for ours, theirs in convention.pairs]
    return {
        _renamed(key, rules, {}): value
        for key, value in tensors.items()
        if key not in convention.mean_keys()
    }


def to_theirs(tensors: Tensors, name: str) -> Tensors:
    """Our weights by the names of a convention, without `mean_keys`."""
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
