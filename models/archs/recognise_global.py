"""Which network a checkpoint is for: those that see far, by wavelets, attention or covariances."""

from __future__ import annotations

from collections.abc import Callable

from pairmill.models.archs.keys import Tensors
from pairmill.models.archs.shapes import Found, UnknownScaleError, count, root, shuffled
from pairmill.schemas.networks.csnln import CsnlnConfig
from pairmill.schemas.networks.dwsr import DwsrConfig
from pairmill.schemas.networks.ipt import IptConfig
from pairmill.schemas.networks.meta import MetaConfig
from pairmill.schemas.networks.mwcnn import MwcnnConfig
from pairmill.schemas.networks.rnan import RnanConfig
from pairmill.schemas.networks.san import SanConfig


def _dwsr(tensors: Tensors) -> Found:
    features, bands = tensors["bands_first.weight"].shape[:2]
    config = DwsrConfig(features=features, depth=count(tensors, "body.N."), luma=bands == 4)
    raise UnknownScaleError("a DWSR", config)


def _mwcnn(tensors: Tensors) -> Found:
    """Shapes do not show dilations: they are those of the two versions, by what comes in."""
    names = ["levels."]
    while f"{names[-1]}inner.down.0.weight" in tensors:
        names.append(f"{names[-1]}inner.")
    firsts = [tensors[f"{name}down.0.weight"].shape for name in names]
    many, lowest = (count(tensors, f"{name}up.N.") for name in (names[0], names[-1]))
    inputs = firsts[0][1]
    if bands := inputs in {4, 12}:
        dilations, deepest = (1,) * many, (1,) * lowest
    else:
        dilations, deepest = (2, 1)[:many], (2, 3)[:lowest]
    config = MwcnnConfig(
        features=tuple(first[0] for first in firsts),
        dilations=dilations,
        lowest=deepest,
        bands=bands,
        luma=inputs in {1, 4},
    )
    raise UnknownScaleError("an MWCNN", config)


def _meta(tensors: Tensors) -> Found:
    config = MetaConfig(
        features=tensors["conv_first.weight"].shape[0],
        blocks=count(tensors, "body.N."),
        layers=count(tensors, "body.0.convs.N."),
        growth=tensors["body.0.convs.0.weight"].shape[0],
        hidden=tensors["upscale.hidden.weight"].shape[0],
    )
    raise UnknownScaleError("a Meta-RDN", config)


def _san(tensors: Tensors) -> Found:
    blocks = count(tensors, "groups.0.body.N.") - 2
    few, features = tensors[f"groups.0.body.{blocks}.attention.0.weight"].shape[:2]
    config = SanConfig(
        features=features,
        groups=count(tensors, "groups.N."),
        blocks=blocks,
        squeeze=features // few,
        inner=tensors["non_local.queries.weight"].shape[0],
    )
    return config, shuffled(tensors, "upsample")


def _rnan(tensors: Tensors) -> Found:
    inner, features = tensors["body.0.mask.first.0.queries.weight"].shape[:2]
    config = RnanConfig(features=features, groups=count(tensors, "body.N."), inner=inner)
    return config, shuffled(tensors, "upsample")


def _csnln(tensors: Tensors) -> Found:
    features = tensors["conv_first.weight"].shape[0]
    recurrences = tensors["conv_last.weight"].shape[1] // features
    # Its filters are as wide as their stride, and two pixels more on either side.
    scale = tensors["again.0.0.weight"].shape[-1] - 4
    return CsnlnConfig(features=features, recurrences=recurrences), scale


def _ipt(tensors: Tensors) -> Found:
    if "tail.1.1.weight" in tensors:
        raise ValueError("an IPT with heads for several tasks: one for a single task is wanted")
    features = tensors["conv_first.weight"].shape[0]
    token = root(tensors["body.linear_encoding.weight"].shape[0] // features)
    config = IptConfig(
        features=features,
        patch=token * root(tensors["body.position_encoding.position_ids"].shape[1]),
        token=token,
        layers=count(tensors, "body.encoder.layers.N."),
    )
    return config, shuffled(tensors, "upsample") if "upsample.0.weight" in tensors else 1


GLOBAL_FORMS: tuple[tuple[tuple[str, ...], Callable[[Tensors], Found]], ...] = (
    (("bands_first.weight", "bands_last.weight"), _dwsr),
    (("levels.down.0.weight", "levels.conv_last.weight"), _mwcnn),
    (("upscale.filters.weight", "conv_after_body.weight"), _meta),
    (("non_local.queries.weight", "share"), _san),
    (("body.0.mask.first.0.queries.weight",), _rnan),
    (("steps.0.cross.queries.0.weight", "again.0.0.weight"), _csnln),
    (("conv_first.weight", "body.query_embed.weight"), _ipt),
)
"""As `FORMS` of `pairmill.models.archs.recognise`."""
