"""Pool ReDegNet: judge a fit by its gates, and seal SynNet and the representations of the real
pairs with the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import columns_of, pool_digest, write_pool
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages import fit_redegnet
from pairmill.pipeline.stages.checkpoint import read_checkpoint
from pairmill.pipeline.stages.payload import read_npy
from pairmill.pipeline.stages.pool_pdm import auc_words, seen, trend
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.redegnet import (
    CodeRow,
    RedegnetFitRef,
    RedegnetGateConfig,
    RedegnetJudgeConfig,
    RedegnetManifest,
    RedegnetMeasures,
    RedegnetReason,
    RedegnetVerdict,
)
from pairmill.schemas.work import Payload

GROUPS = {"redegnet": "pool", "codes": "codes"}
"""Names of the two zarr groups, by kind of pool."""


class JudgePayload(Payload):
    """One fit."""

    ref: RedegnetFitRef
    """What was fitted."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"checkpoint {self.ref.fit.digest[:12]}"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [self.ref.key, self.ref.fit.digest]


def plan(ref: RedegnetFitRef, config: RedegnetJudgeConfig) -> list[JudgePayload]:
    """One unit per fit."""
    return [JudgePayload(ref=ref)]


def work(
    units: Sequence[Unit[JudgePayload]], config: RedegnetJudgeConfig, context: Context
) -> Iterator[RedegnetManifest]:
    """Compare what was measured with the gates; a checkpoint is a pool of one, (1, bytes)."""
    from pairmill.models.redegnet.measure import judge

    for unit in units:
        ref, folder = unit.payload.ref, layout.unit_folder(context.stage, unit.key)
        fit = ref.fit
        items = read_checkpoint(context.storage, fit_redegnet.STAGE.name, ref.key, ref.fit.digest)
        codes = _codes(context.storage, ref)
        write_pool(context.storage, f"{folder}/{GROUPS['redegnet']}.zarr", "redegnet", items, {})
        columns = columns_of([CodeRow(pair=pair) for pair in fit.rows])
        write_pool(context.storage, f"{folder}/{GROUPS['codes']}.zarr", "codes", codes, columns)
        verdict = RedegnetVerdict(
            reasons=judge(fit.measures, config.gates, specific=config.specific),
            measures=fit.measures,
        )
        yield RedegnetManifest(
            digest=pool_digest(items),
            codes=pool_digest(codes),
            count=len(codes),
            code=fit.code,
            side=fit.side,
            vgg=fit.vgg,
            verdict=verdict,
            unit=ref.key,
        )


def _codes(storage: Storage, ref: RedegnetFitRef) -> NDArray[np.float32]:
    folder = layout.unit_folder(fit_redegnet.STAGE.name, ref.key)
    return np.asarray(read_npy(storage, f"{folder}/{fit_redegnet.CODES}"), np.float32)


def seal(
    units: Sequence[Unit[JudgePayload]],
    records: Sequence[RedegnetManifest],
    config: RedegnetJudgeConfig,
    context: Context,
    key: str,
) -> RedegnetManifest:
    """Give both pools their place."""
    for name in GROUPS.values():
        source = f"{layout.unit_folder(context.stage, units[0].key)}/{name}.zarr"
        context.storage.link_tree(source, layout.pool_group(context.stage, key, name))
    return records[0]


def refused(manifest: RedegnetManifest, gates: RedegnetGateConfig) -> UserError:
    """What to tell somebody whose fit failed: what was measured, and what to change."""
    measures, reasons = manifest.verdict.measures, manifest.verdict.reasons
    told = [TOLD[reason](measures, gates) for reason in reasons if measures is not None] or [
        "losses that are not finite"
    ]
    return UserError(
        "the ReDegNet fit failed its gates and is not drawn from",
        where="recipe section redegnet",
        got="; ".join(told),
        wanted="a fit that passes redegnet.gates",
        todo="; ".join(dict.fromkeys(ADVICE[reason] for reason in reasons))
        + "; or set accept_failed: true at the degrader to draw from it all the same",
    )


TOLD: dict[RedegnetReason, Callable[[RedegnetMeasures, RedegnetGateConfig], str]] = {
    RedegnetReason.RECONSTRUCTS_BADLY: lambda m, g: (
        f"real LQ reconstructed to {m.error:.2f} grey levels, where the HQ as it is comes to "
        f"{m.identity_error:.2f} and "
        f"bicubic reductions to {m.bicubic_error:.2f} (at most {g.max_error_ratio:g} of the better)"
    ),
    RedegnetReason.CODES_ALIKE: lambda m, g: (
        f"representations that differ by {m.diversity:.1%} of their mean, least "
        f"{g.min_diversity:.1%}"
    ),
    RedegnetReason.CODES_IGNORED: lambda m, g: (
        f"pictures that another pair's representation changes by {m.effect:.2f} grey levels, "
        f"least {g.min_effect:g}"
    ),
    RedegnetReason.CRITIC_WON: lambda m, g: (
        f"a discriminator that is right {m.accuracy:.0%} of the time, most {g.max_accuracy:.0%}"
    ),
    RedegnetReason.TOLD_APART: lambda m, g: f"an AUC of {m.auc:.3f}, most {g.max_auc}",
    RedegnetReason.NOT_MEASURED: lambda m, g: "no AUC, for the pairs give too few patches",  # noqa: ARG005
}
ADVICE = {
    RedegnetReason.RECONSTRUCTS_BADLY: "raise redegnet.samples; set redegnet.net.skip_start: 1 "
    "and raise redegnet.learning_rate",
    RedegnetReason.CODES_ALIKE: "give pairs of more different origin, or say use: specific if "
    "they are to be alike",
    RedegnetReason.CODES_IGNORED: "raise redegnet.samples or redegnet.weights.contrast",
    RedegnetReason.CRITIC_WON: "lower redegnet.critic_rate or redegnet.weights.adversarial",
    RedegnetReason.TOLD_APART: "raise redegnet.samples, or give more pairs",
    RedegnetReason.NOT_MEASURED: "give more pairs, or set redegnet.gates.max_auc: 1 to go without",
    RedegnetReason.NOT_FINITE: "lower redegnet.learning_rate and redegnet.critic_rate",
}


def rows(
    measures: RedegnetMeasures, gates: RedegnetGateConfig, *, specific: bool
) -> list[tuple[str, str, str]]:
    """What was measured and its gate, in words."""
    best = gates.max_error_ratio * min(measures.identity_error, measures.bicubic_error)
    most = f"at most {gates.max_auc}" if gates.max_auc < 1 else ""
    return [
        ("error of the real LQ, grey levels", f"{measures.error:.2f}", f"at most {best:.2f}"),
        ("with other pairs' representations", f"{measures.other_error:.2f}", ""),
        ("of the HQ as it is", f"{measures.identity_error:.2f}", ""),
        ("of the HQ reduced and enlarged", f"{measures.bicubic_error:.2f}", ""),
        (
            "diversity of representations",
            f"{measures.diversity:.3f}",
            "" if specific else f"at least {gates.min_diversity}",
        ),
        ("spread within a pair", f"{measures.spread:.3f}", ""),
        (
            "effect of another's, grey levels",
            f"{measures.effect:.2f}",
            "" if specific else f"at least {gates.min_effect}",
        ),
        ("discriminator right", f"{measures.accuracy:.1%}", f"at most {gates.max_accuracy:.0%}"),
        ("AUC, 95 % interval", auc_words(measures.auc, measures.interval), most),
        ("AUC at the checks", trend(measures.aucs), ""),
        ("pairs seen", seen(measures.samples, measures.kept), ""),
    ]


STAGE = Stage(
    name="pool_redegnet",
    version=2,
    title="judge ReDegNet",
    noun="fits",
    record=RedegnetManifest,
    manifest=RedegnetManifest,
    plan=plan,
    work=work,
    seal=seal,
)
