"""Kernels from spectra: what stages remember of a camera's blur, and judging it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera import curves
from pairmill.models.camera.estimate import PULLED, CameraBlur
from pairmill.models.camera.forms import Blur
from pairmill.models.camera.variation import Variation
from pairmill.models.functional.kernels import SIZES, offset, to_fixed_point, without_tails
from pairmill.pipeline.kernels.quality import (
    WIDTHS,
    Rule,
    border_share,
    effective_support,
    first_broken,
    negative_share,
    refusal,
)
from pairmill.schemas.kernel import (
    KernelDiagnostics,
    KernelQualityConfig,
    KernelReason,
    KernelVerdict,
)
from pairmill.schemas.pool import (
    CameraEstimate,
    JudgedSpectral,
    PhotographEstimate,
    VariationEstimate,
)

Array = NDArray[np.float64]

BLURS = (
    Rule(
        KernelReason.NEGATIVE,
        "it sharpens more than any camera does: {} of it is negative",
        lambda d: d.negative,
        lambda c: c.max_negative,
        "%",
    ),
    Rule(
        KernelReason.BORDER,
        "it is wider than a kernel may be: {} of it lies at its edge",
        lambda d: d.border,
        lambda c: c.max_border,
        "%",
    ),
    *WIDTHS,
)
"""What is asked of any blur."""
RULES = (
    Rule(
        KernelReason.ENLARGED,
        "the photograph has no detail above {}, as if it had been enlarged",
        lambda d: d.detail or 0.0,
        lambda c: c.min_detail,
        " cycles per pixel",
        most=False,
    ),
    Rule(
        KernelReason.UNCERTAIN,
        "its kernel is too uncertain: an error of {} is expected",
        lambda d: d.error or 0.0,
        lambda c: c.max_error,
        "",
    ),
    *BLURS,
    Rule(
        KernelReason.MISMATCH,
        "its spectrum is unlike that of any blurred scene, by {}: text, a screen or a pattern",
        lambda d: d.mismatch or 0.0,
        lambda c: c.max_mismatch,
        " dB",
    ),
)
"""Asked in this order."""
FORMS = {
    "gaussian": "a Gaussian",
    "disc": "a disc, as out of focus",
    "line": "a line, as by shake",
    "sharpened": "sharpening",
    "profile": "a profile of its own",
}
"""What parts of a blur are called."""


def record(found: CameraBlur, images: Sequence[str], scenes: int, scale: int) -> CameraEstimate:
    """What a stage remembers of a camera.

    Args:
        found: the camera.
        images: pixel digests of its photographs, in the order they were given in.
        scenes: how many clean pictures HR is known from.
        scale: scale of the kernels.
    """
    shared = (found.matched.covariance, found.matched.free)
    error, width_error = curves.deviations(found.blur, [shared], scale, SIZES[scale])
    photographs = []
    for image, own in zip(images, found.photographs, strict=True):
        parts = [shared, (own.covariance, PULLED)]
        own_error, own_width = curves.deviations(own.blur, parts, scale, SIZES[scale])
        photographs.append(
            PhotographEstimate(
                image=image,
                values=tuple(own.blur.values.tolist()),
                noise=own.noise,
                error=own_error,
                width_error=own_width,
                misfit=own.misfit,
            )
        )
    first, second, third = found.differences.tolist()
    return CameraEstimate(
        form=found.form,
        values=tuple(found.blur.values.tolist()),
        noise_sharpened=found.blur.noise_sharpened,
        error=error,
        width_error=width_error,
        differences=(first, second, third),
        scenes=scenes,
        photographs=tuple(photographs),
    )


def remembered(found: Variation | None) -> VariationEstimate | None:
    """What a stage remembers of how a blur varies."""
    if found is None:
        return None
    return VariationEstimate(
        stretches=tuple(found.stretches.tolist()),
        deviations=tuple(found.deviations.tolist()),
        photographs=found.photographs,
    )


def blur_of(values: Sequence[float], noise_sharpened: bool) -> Blur:
    """The blur that was remembered."""
    return Blur(np.array(values), noise_sharpened)


def judge_spectral(
    judged: JudgedSpectral, config: KernelQualityConfig, scale: int
) -> tuple[Array | None, KernelVerdict]:
    """The kernel of a photograph that comes from spectra, or why there is none.

    Args:
        judged: what was estimated.
        config: thresholds.
        scale: scale of the kernel.

    Returns:
        The accepted kernel (k, k) on the grid of 2^-16, sum 1, centred for the scale, with its
        lobes, or none; and the verdict.
    """
    own = judged.estimate
    if own is None:
        assert judged.refused is not None
        return None, refusal(judged.refused, "it was not measured")
    blur = blur_of(own.values, judged.noise_sharpened)
    diagnostics = measured(blur, own)
    found = first_broken(RULES, diagnostics, config)
    words = _words(judged, diagnostics)
    if found is not None:
        reason, detail = found
        return None, _verdict(reason, _with_true_scale(reason, detail, diagnostics), diagnostics)
    return finished(blur, scale), _verdict(None, words, diagnostics)


def finished(blur: Blur, scale: int) -> Array:
    """(k, k): the kernel of a blur as pools hold it, on the grid of 2^-16, sum 1."""
    return to_fixed_point(without_tails(blur.kernel(scale, SIZES[scale]), 5e-4))


def _verdict(
    reason: KernelReason | None, detail: str, diagnostics: KernelDiagnostics
) -> KernelVerdict:
    return KernelVerdict(
        accepted=reason is None, reason=reason, detail=detail, restart=None, diagnostics=diagnostics
    )


def measured(blur: Blur, own: PhotographEstimate) -> KernelDiagnostics:
    """All measurements of a blur that a photograph has, here or there."""
    kernel, curve = blur.kernel(2, SIZES[2]), curves.transfer_curve(blur)
    return KernelDiagnostics(
        residual_offset=math.hypot(*offset(kernel, 2)),
        border=border_share(kernel),
        negative=negative_share(kernel),
        support=effective_support(kernel),
        width=curves.width(blur),
        mismatch=own.misfit,
        error=own.error,
        width_error=own.width_error,
        mtf50=curves.falls_to(curve, 0.5),
        detail=curves.falls_to(curve, 0.1),
        overshoot=curves.overshoot(curve),
    )


def _words(judged: JudgedSpectral, d: KernelDiagnostics) -> str:
    """What was found, in a sentence."""
    form = " and ".join(FORMS[name] for name in judged.form)
    told = "from this photograph alone"
    if judged.photographs > 1:
        told = f"from {judged.photographs} photographs together"
    sharpens, enlarged = "", ""
    if d.overshoot and d.overshoot >= curves.SHARPENS:
        sharpens = f", raises contrast by up to {100 * d.overshoot:.0f} %"
    if judged.enlarged > 1:
        enlarged = (
            f"; the photograph seems to have been enlarged {judged.enlarged:.2g} times: its true "
            "pixels would serve better"
        )
    wide = f"{d.width:.2f} ± {d.width_error or 0:.2f} px wide"
    return f"{form}, {wide}{sharpens}, {told}{enlarged}"


def _with_true_scale(reason: KernelReason, detail: str, d: KernelDiagnostics) -> str:
    if reason != KernelReason.ENLARGED or not d.detail:
        return detail
    # A photograph that nobody enlarged leaves a tenth about at the finest frequency it can show.
    return f"{detail}; downscaled by {0.5 / d.detail:.1f} it would lose nothing"
