"""Simulated cameras, one set of photographs for all methods; see `kernel_accuracy`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.common import Row
from benchmarks.kernel_cases import (
    CONDITIONS,
    FORMS,
    Camera,
    Condition,
    Photograph,
    draw_camera,
    draw_div2krk,
    shots,
    take,
    wider,
)
from benchmarks.kernel_methods import (
    Estimate,
    Seen,
    camera,
    constant,
    kernelgan,
    log_width,
    measured,
    spectra,
)
from benchmarks.kernel_pictures import Picture, some_of
from benchmarks.kernel_scores import NINETY, Key, Score, kept, scored
from pairmill.models.camera.forms import PULL
from pairmill.models.camera.scenes import built_in, described, like_pictures
from pairmill.models.functional.chroma import grey

GROUPS = (4, 12, 24)
ALONE = 12
"""Photographs of a camera that are estimated one by one."""
EARLIER = 6
"""Photographs of a camera that the earlier spectral match sees, and that are upscaled."""
SEED = 1000
"""First of the seeds: those below were used while settings were looked at."""
DIFFERING = 0.1
"""Standard deviation of the logarithm of the width, of cameras whose photographs differ."""


@dataclass(frozen=True)
class Trial:
    """A kind of camera on a kind of pictures."""

    section: str
    pictures: str
    form: str
    condition: Condition
    scale: int = 2

    def key(self, method: str, group: int) -> Key:
        """Of a method's scores."""
        return Key(
            self.section, self.pictures, self.form, self.condition.name, self.scale, group, method
        )

    def rng(self, number: int) -> np.random.Generator:
        """A stream of the trial's own, the same for a form under all conditions and scales."""
        return np.random.default_rng([SEED + number, FORMS.index(self.form)])


def simulated(which: str, available: Sequence[Picture], cameras: int) -> Iterator[Score]:
    """All forms under all conditions at scale 2, for every method that is quick."""
    for form in FORMS:
        for condition in CONDITIONS.values():
            if condition.before_sharpening and form != "lobes":
                continue
            trial = Trial("simulated", which, form, condition)
            for number in range(cameras):
                yield from one_camera(trial, available, number)


def scales(which: str, available: Sequence[Picture], cameras: int) -> Iterator[Score]:
    """All forms at scales 3 and 4."""
    for scale in (3, 4):
        for form in FORMS:
            trial = Trial("scales", which, form, Condition(), scale)
            for number in range(cameras):
                yield from one_camera(trial, available, number)


def one_camera(trial: Trial, available: Sequence[Picture], number: int) -> Iterator[Score]:
    """Photographs of one camera, alone and in groups."""
    rng = trial.rng(number)
    device = draw_camera(trial.form, rng, trial.scale)
    chosen = some_of(available, max(GROUPS), SEED + number)
    photographs = shots(chosen, device, trial.condition, rng)
    truth, upscaled = device.truth, photographs[:EARLIER]
    seen = [measured(one) for one in photographs]
    yield scored(trial.key("truth", 1), Estimate("truth", truth, 0.0), truth, upscaled)
    yield scored(trial.key("constant", 1), constant(trial.scale), truth, upscaled)
    if trial.scale == 2:
        for one in upscaled:
            yield scored(trial.key("spectra", 1), spectra(one), truth, [one])
    for place, spectrum in enumerate(seen[:ALONE]):
        alone = camera([spectrum], trial.scale).camera
        yield scored(trial.key("spectral", 1), alone, truth, upscaled[place : place + 1])
    for size in GROUPS:
        yield from _groups(trial, size, seen, photographs)


def _groups(
    trial: Trial,
    size: int,
    seen: Sequence[Seen],
    photographs: Sequence[Photograph],
) -> Iterator[Score]:
    """The same photographs in groups of some size; of small groups half of them."""
    most = len(photographs) if size > 4 else ALONE
    for start in range(0, most - size + 1, size):
        part = slice(start, start + size)
        truth = photographs[start].camera.truth
        found = camera(seen[part], trial.scale)
        upscaled = photographs[:EARLIER] if start == 0 else []
        yield scored(trial.key("camera", size), found.camera, truth, upscaled)
        for one, taken in zip(found.own, photographs[part], strict=True):
            yield scored(trial.key(one.method, size), one, taken.camera.truth)


def sources(available: Sequence[Picture], cameras: int) -> Iterator[Score]:
    """Gaussian cameras on the pictures of one source after another: what scenes do to widths.

    Half of the pictures of a source are photographed; the other half are, or are not, the HR that
    tells what its scenes look like.
    """
    for source in dict.fromkeys(picture.source for picture in available):
        chosen = [picture for picture in available if picture.source == source][:24]
        photographed, clean = chosen[::2], chosen[1::2]
        looks = [described(grey(picture.image))[0] for picture in clean]
        own = like_pictures(looks, built_in())
        for condition in (Condition(), Condition(noise=4)):
            for number in range(cameras):
                trial = Trial("sources", source, "gaussian", condition)
                rng = trial.rng(number)
                device = draw_camera("gaussian", rng)
                seen = [measured(one) for one in shots(photographed, device, condition, rng)]
                for name, scenes in (("camera", None), ("camera, HR of its kind", own)):
                    found = camera(seen, 2, scenes).camera
                    yield scored(trial.key(name, len(seen)), found, device.truth)


def div2krk(which: str, available: Sequence[Picture]) -> Iterator[Score]:
    """One kernel per picture, as in DIV2KRK: nothing to share."""
    trial = Trial("DIV2KRK-like", which, "gaussian", Condition())
    for number, picture in enumerate(available):
        rng = np.random.default_rng([SEED + number, len(FORMS)])
        device = draw_div2krk(rng)
        one = take(picture, device, trial.condition, rng)
        tried = [
            constant(),
            replace(constant(sigma=1.7), method="constant 1.7"),
            spectra(one),
            camera([measured(one)], 2).camera,
        ]
        for estimate in tried:
            yield scored(trial.key(estimate.method, 1), estimate, device.truth, [one])
        yield scored(
            trial.key("truth", 1), Estimate("truth", device.truth, 0.0), device.truth, [one]
        )


def with_kernelgan(
    which: str, available: Sequence[Picture], count: int, keep: Path | None
) -> Iterator[Score]:
    """KernelGAN and all others on the same few photographs; see `on_few`."""
    yield from on_few(
        ("with KernelGAN", which),
        some_of(available, count, SEED),
        keep,
        lambda one, seed: [*kernelgan(one, seed), spectra(one)],
    )


def on_few(
    section: tuple[str, str],
    chosen: Sequence[Picture],
    keep: Path | None,
    methods: Callable[[Photograph, int], Iterable[Estimate]],
) -> Iterator[Score]:
    """Slow methods on the same few photographs of each of two forms, beside the constant, the
    camera estimate and the truth.

    Args:
        section: Of the rows, and what the pictures are called.
        chosen: A photograph of each form is made of each.
        keep: Folder for the scores of each photograph, which are found there again; none keeps
            nothing.
        methods: From a photograph and a seed.
    """
    for form in ("gaussian", "disc"):
        trial = Trial(*section, form, Condition())
        rng = trial.rng(0)
        for number, picture in enumerate(chosen):
            # Drawn even where the scores are known: what follows is drawn from the same stream.
            device = draw_camera(form, rng)
            one = take(picture, device, trial.condition, rng)

            def tried(
                trial: Trial = trial,
                device: Camera = device,
                one: Photograph = one,
                number: int = number,
            ) -> Iterator[Score]:
                estimates = [
                    constant(),
                    *methods(one, SEED + number),
                    camera([measured(one)], 2).camera,
                    Estimate("truth", device.truth, 0.0),
                ]
                for estimate in estimates:
                    yield scored(trial.key(estimate.method, 1), estimate, device.truth, [one])

            name = "-".join((*section, form, str(number), picture.source, picture.name))
            yield from kept(keep, name.replace(" ", "_"), tried)


def differing(which: str, available: Sequence[Picture], cameras: int) -> list[Row]:
    """Cameras whose photographs differ in width: whether it is seen by how much, and in which."""
    rows = []
    for deviation in (0.0, DIFFERING):
        for condition in (Condition(), Condition(noise=4)):
            for size in (12, 24):
                trial = Trial("differing", which, "gaussian", condition)
                found = [
                    _differing_camera(trial, available, number, size, deviation)
                    for number in range(cameras)
                ]
                means = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
                rows.append(
                    {
                        "section": "differing",
                        "pictures": which,
                        "condition": condition.name,
                        "group": size,
                        "cameras": cameras,
                        "true difference": deviation,
                        **{name: round(value, 4) for name, value in means.items()},
                    }
                )
    return rows


def _differing_camera(
    trial: Trial, available: Sequence[Picture], number: int, size: int, deviation: float
) -> dict[str, float]:
    rng = trial.rng(number)
    base: Camera = draw_camera("gaussian", rng)
    factors = np.exp(deviation * rng.normal(size=size))
    chosen = some_of(available, size, SEED + number)
    photographs = [
        take(picture, wider(base, factor), trial.condition, rng)
        for picture, factor in zip(chosen, factors, strict=True)
    ]
    seen = [measured(one) for one in photographs]
    group = camera(seen, 2)
    alone = [camera([one], 2).camera for one in seen]
    truths = [one.camera.truth for one in photographs]
    key = trial.key("", size)

    def errors(estimates: Sequence[Estimate]) -> list[Score]:
        return [scored(key, one, truth) for one, truth in zip(estimates, truths, strict=True)]

    own, shared = errors(group.own), errors([group.camera] * size)
    # How photographs lie to one another, whatever is wrong with all of them alike.
    true_pull = np.log(factors) - np.log(factors).mean()
    pulls = np.array([one.blur.values[PULL] for one in group.found.photographs])
    spread = np.sqrt([one.covariance[0, 0] for one in group.found.photographs])
    relative = np.abs(pulls - pulls.mean() - true_pull) / spread
    return {
        "difference found": float(group.found.differences[0]),
        "error, each its own": float(np.mean([one.error for one in own])),
        "error, all the camera's": float(np.mean([one.error for one in shared])),
        "error, each alone": float(np.mean([one.error for one in errors(alone)])),
        "own width within 90 %": float(np.mean([abs(one.away) < NINETY for one in own])),
        "own width from the camera's within 90 %": float((relative < NINETY).mean()),
        "width of the camera": log_width(group.camera.kernel) - log_width(base.truth),
    }
