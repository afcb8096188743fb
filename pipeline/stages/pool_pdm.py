"""Pool PDM: judge a fit by its gates, and seal its checkpoint with the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pairmill.pipeline.assets import pool_digest
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages import fit_pdm
from pairmill.pipeline.stages.learned_pool import (
    Advice,
    Gates,
    JudgePayload,
    not_measured,
    plan,
    pool_checkpoint,
    realism_rows,
    seal,
    share,
    told_apart,
)
from pairmill.schemas.pdm import PdmConfig, PdmGateConfig
from pairmill.schemas.pdm_fit import PdmFitRef, PdmManifest, PdmMeasures, PdmReason, PdmVerdict


def work(
    units: Sequence[Unit[JudgePayload]], config: PdmGateConfig, context: Context
) -> Iterator[PdmManifest]:
    """Compare what was measured with the gates."""
    from pairmill.models.pdm.measure import judge

    for unit in units:
        ref: PdmFitRef = unit.payload.ref
        fit = ref.fit
        items = pool_checkpoint(unit, context, fit_pdm.STAGE.name, "pdm")
        reasons = judge(fit.measures, config, with_noise=fit.noisy)
        yield PdmManifest(
            digest=pool_digest(items),
            sha256=fit.digest,
            scale=fit.scale,
            side=fit.size,
            codec=fit.codec,
            verdict=PdmVerdict(reasons=reasons, measures=fit.measures),
            unit=ref.key,
        )


FOUND: dict[PdmReason, Callable[[PdmMeasures, PdmGateConfig], str]] = {
    PdmReason.KERNELS_ALIKE: lambda m, g: (
        f"kernels differ by {m.diversity:.1%} of their mean, least {_least(m, g):.1%}"
    ),
    PdmReason.NOISE_COLLAPSED: lambda m, g: _ratio(m, f"least {g.min_noise_ratio}"),
    PdmReason.NOISE_TOO_STRONG: lambda m, g: _ratio(m, f"most {g.max_noise_ratio}"),
    PdmReason.NOISE_NOT_ZERO_MEAN: lambda m, g: (
        f"noise in such broad and strong waves that a patch has a mean of "
        f"{m.noise_mean:.2f} grey levels, most {g.max_noise_mean}"
    ),
    PdmReason.CRITIC_WON: lambda m, g: (
        f"a discriminator that is right {share(m.accuracy)} of the time, most {g.max_accuracy:.0%}"
    ),
    PdmReason.TOLD_APART: told_apart,
    PdmReason.NOT_MEASURED: not_measured,
}
HEAVY = 1000
"""Weight of the regulariser that holds down broad waves of noise."""
ADVICE: dict[PdmReason, Advice] = {
    PdmReason.KERNELS_ALIKE: "give more real images or raise pdm.samples",
    PdmReason.NOISE_COLLAPSED: lambda c: (
        f"lower pdm.noise_weight (now {c.noise_weight:g}), "
        + ("" if c.regulariser == "mean" else "take pdm.regulariser: mean, ")
        + "or raise pdm.samples"
    ),
    PdmReason.NOISE_TOO_STRONG: "raise pdm.noise_weight or lower pdm.learning_rate",
    PdmReason.NOISE_NOT_ZERO_MEAN: lambda c: ", or ".join(_against_waves(c)),
    PdmReason.CRITIC_WON: "lower pdm.critic_rate, raise pdm.learning_rate, or give more images",
    PdmReason.TOLD_APART: lambda c: (
        "give more real images, look whether images.real and the HR images show the same kind of "
        "scene"
        + (
            ""
            if c.start_from == "measured"
            else "; compression is learned only with pdm.start_from: measured"
        )
    ),
    PdmReason.NOT_MEASURED: "give more real images (twenty or more are better), or set "
    "pdm.gates.max_auc: 1 to go without",
    PdmReason.NOT_FINITE: "lower pdm.learning_rate and pdm.critic_rate",
}


def _against_waves(config: PdmConfig) -> list[str]:
    """What keeps noise from broad waves and is not set yet."""
    said = ["give more real images"]
    if config.noise_weight < HEAVY:
        said.append(f"raise pdm.noise_weight to {HEAVY} (now {config.noise_weight:g})")
    if config.noise is not None and config.noise.form != "mixing":
        said.append("take pdm.noise.form: mixing")
    if config.noise is not None and config.noise.by != "level":
        said.append("take pdm.noise.by: level")
    return said


def rows(measures: PdmMeasures, gates: PdmGateConfig) -> list[tuple[str, str, str]]:
    """What was measured and its gate, in words."""
    return [
        (
            "diversity of kernels",
            f"{measures.diversity:.3f}",
            f"at least {_least(measures, gates):.3g}",
        ),
        ("offset of kernels, HR pixels", f"{measures.offset:.4f}", ""),
        (
            "noise floor, drawn over real",
            f"{measures.noise_ratio:.2f}",
            f"{gates.min_noise_ratio} to {gates.max_noise_ratio}",
        ),
        ("noise, grey levels", f"{measures.noise_deviation:.2f}", ""),
        (
            "largest mean of noise, grey levels",
            f"{measures.noise_mean:.2f}",
            f"at most {gates.max_noise_mean}",
        ),
        ("discriminator right", share(measures.accuracy), f"at most {gates.max_accuracy:.0%}"),
        *realism_rows(measures, gates),
    ]


def _least(measures: PdmMeasures, gates: PdmGateConfig) -> float:
    from pairmill.models.pdm.measure import least_diversity

    return least_diversity(measures, gates)


def _ratio(measures: PdmMeasures, bound: str) -> str:
    return (
        f"fake patches with a noise floor of {measures.fake_floor:.2f} grey levels where real "
        "ones have "
        f"{measures.real_floor:.2f} (ratio {measures.noise_ratio:.2f}, {bound})"
    )


GATES = Gates[PdmMeasures, PdmGateConfig](
    "PDM",
    "pdm",
    FOUND,
    ADVICE,
    lambda settings: PdmConfig(start_from=settings.start_from).samples,
)
STAGE = Stage(
    name="pool_pdm",
    version=2,
    title="judge PDM",
    noun="fits",
    record=PdmManifest,
    manifest=PdmManifest,
    plan=plan,
    work=work,
    seal=seal,
)
