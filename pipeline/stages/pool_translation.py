"""Pool a translator: judge a fit by its gates, and seal its checkpoint with the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pairmill.pipeline.assets import pool_digest
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages import fit_translation
from pairmill.pipeline.stages.learned_pool import (
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
from pairmill.schemas.translation import TranslationGateConfig
from pairmill.schemas.translation_fit import (
    TranslationFitRef,
    TranslationJudgeConfig,
    TranslationManifest,
    TranslationMeasures,
    TranslationReason,
    TranslationVerdict,
)


def work(
    units: Sequence[Unit[JudgePayload]], config: TranslationJudgeConfig, context: Context
) -> Iterator[TranslationManifest]:
    """Compare what was measured with the gates."""
    from pairmill.models.translation.measure import judge

    for unit in units:
        ref: TranslationFitRef = unit.payload.ref
        items = pool_checkpoint(unit, context, fit_translation.STAGE.name, config.method)
        yield TranslationManifest(
            kind=config.method,
            digest=pool_digest(items),
            sha256=ref.fit.digest,
            scale=ref.fit.scale,
            verdict=TranslationVerdict(
                reasons=judge(ref.fit.measures, config.gates), measures=ref.fit.measures
            ),
            unit=ref.key,
        )


FOUND: dict[TranslationReason, Callable[[TranslationMeasures, TranslationGateConfig], str]] = {
    TranslationReason.OFF_CENTRE: lambda m, g: (
        f"LR that lies {m.offset:.2f} HR pixels off its HR, most {g.max_offset}"
    ),
    TranslationReason.OFF_COLOUR: lambda m, g: (
        f"colours that are {m.colour:.1f} grey levels off those of HR, most {g.max_colour}"
    ),
    TranslationReason.NO_EFFECT: lambda m, g: (
        f"LR that differs from bicubic LR by {m.effect:.3f} grey levels, least {g.min_effect}"
    ),
    TranslationReason.TOLD_APART: told_apart,
    TranslationReason.NOT_MEASURED: not_measured,
}


def gates_of(method: str, title: str) -> Gates[TranslationMeasures, TranslationGateConfig]:
    """The gates of a method in words."""
    advice = {
        TranslationReason.OFF_CENTRE: f"give more images, or lower {method}.learning_rate",
        TranslationReason.OFF_COLOUR: "look whether images.real and the HR images show the same "
        f"kind of scene; raise the weights of {method} that hold colours",
        TranslationReason.NO_EFFECT: f"raise {method}.samples or {method}.weights.adversarial",
        TranslationReason.TOLD_APART: "give more real images, look whether images.real and the HR "
        "images show the same kind of scene; degraders realsr and pdm measure the camera instead",
        TranslationReason.NOT_MEASURED: "give more real images (twenty or more are better), or set "
        f"{method}.gates.max_auc: 1 to go without",
        TranslationReason.NOT_FINITE: f"lower {method}.learning_rate and "
        f"{method}.discriminator_rate",
    }
    return Gates(title, method, FOUND, advice)


def rows(measures: TranslationMeasures, gates: TranslationGateConfig) -> list[tuple[str, str, str]]:
    """What was measured and its gate, in words."""
    return [
        (
            "LR off its HR, HR pixels",
            f"{measures.offset:.3f} (before its correction {measures.drift:.3f})",
            f"at most {gates.max_offset}",
        ),
        ("colours off, grey levels", f"{measures.colour:.2f}", f"at most {gates.max_colour}"),
        ("change of bicubic LR, grey levels", f"{measures.effect:.2f}", _least(gates)),
        ("spread between draws, grey levels", f"{measures.diversity:.2f}", ""),
        (
            "noise floor, drawn and real, grey levels",
            f"{measures.fake_floor:.2f}, {measures.real_floor:.2f}",
            "",
        ),
        ("discriminator right", share(measures.accuracy), ""),
        *realism_rows(measures, gates),
    ]


def _least(gates: TranslationGateConfig) -> str:
    return f"at least {gates.min_effect}"


STAGE = Stage(
    name="pool_translation",
    version=1,
    title="judge translator",
    noun="fits",
    record=TranslationManifest,
    manifest=TranslationManifest,
    plan=plan,
    work=work,
    seal=seal,
)
