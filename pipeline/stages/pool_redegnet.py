"""Pool ReDegNet: judge a fit by its gates, and seal SynNet and the representations of the real
pairs with the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import columns_of, pool_digest, write_pool
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages import fit_redegnet
from pairmill.pipeline.stages.learned_pool import (
    Advice,
    Gates,
    JudgePayload,
    auc_words,
    link_pools,
    plan,
    pool_checkpoint,
    seen,
    trend,
)
from pairmill.pipeline.stages.payload import read_npy
from pairmill.pipeline.workspace import layout
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

CODES = "codes"
"""Name of the zarr group of the representations."""


def work(
    units: Sequence[Unit[JudgePayload]], config: RedegnetJudgeConfig, context: Context
) -> Iterator[RedegnetManifest]:
    """Compare what was measured with the gates."""
    from pairmill.models.redegnet.measure import judge

    for unit in units:
        ref: RedegnetFitRef = unit.payload.ref
        fit = ref.fit
        items = pool_checkpoint(unit, context, fit_redegnet.STAGE.name, "redegnet")
        codes = _pool_codes(unit, context)
        reasons = judge(fit.measures, config.gates, specific=config.specific)
        yield RedegnetManifest(
            digest=pool_digest(items),
            codes=pool_digest(codes),
            count=len(codes),
            code=fit.code,
            side=fit.side,
            vgg=fit.vgg,
            verdict=RedegnetVerdict(reasons=reasons, measures=fit.measures),
            unit=ref.key,
        )


def _pool_codes(unit: Unit[JudgePayload], context: Context) -> NDArray[np.float32]:
    """Write the representations of a fit as a pool into the unit; its items."""
    ref: RedegnetFitRef = unit.payload.ref
    left = f"{layout.unit_folder(fit_redegnet.STAGE.name, ref.key)}/{fit_redegnet.CODES}"
    codes = np.asarray(read_npy(context.storage, left), np.float32)
    columns = columns_of([CodeRow(pair=pair) for pair in ref.fit.rows])
    group = f"{layout.unit_folder(context.stage, unit.key)}/{CODES}.zarr"
    write_pool(context.storage, group, "codes", codes, columns)
    return codes


def seal(
    units: Sequence[Unit[JudgePayload]],
    records: Sequence[RedegnetManifest],
    config: RedegnetJudgeConfig,
    context: Context,
    key: str,
) -> RedegnetManifest:
    """Give both pools their place."""
    link_pools(units, context, key, ("pool", CODES))
    return records[0]


FOUND: dict[RedegnetReason, Callable[[RedegnetMeasures, RedegnetGateConfig], str]] = {
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
ADVICE: dict[RedegnetReason, Advice] = {
    RedegnetReason.RECONSTRUCTS_BADLY: lambda c: (
        "raise redegnet.samples; "
        + ("" if c.net.skip_start >= 1 else "set redegnet.net.skip_start: 1 and ")
        + f"raise redegnet.learning_rate (now {c.learning_rate:g})"
    ),
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


GATES = Gates("ReDegNet", "redegnet", FOUND, ADVICE)
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
