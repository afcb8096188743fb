"""How near any match of power spectra could come: estimates that are told what they cannot see.

The same photographs as in `simulated`, twelve of a camera, estimated by who knows less and less:

- form and own scenes: the form of the blur, and the mean spectrum of the very pictures;
- form and like scenes: the form, and the mean spectrum of the pictures of the same kind that were
  not photographed, which is what `images.clean` can tell at best;
- form: the form, with the built-in scenes;
- camera: nothing, which is the product.

What the first leaves is chance: how scenes differ from their mean. What the others add is what it
costs not to know the scenes, and not to know the form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.kernel_cases import DRAWN, SIDES, Camera, Condition, draw_camera, shots, unsharp
from benchmarks.kernel_methods import Array, Estimate, Seen, camera, measured
from benchmarks.kernel_pictures import Picture, some_of
from benchmarks.kernel_scores import Score, scored
from benchmarks.kernel_simulated import GROUPS, SEED, Trial
from pairmill.models.camera.estimate import GAUSSIAN
from pairmill.models.camera.forms import CENTRE, Blur, P
from pairmill.models.camera.match import match
from pairmill.models.camera.model import Model
from pairmill.models.camera.scenes import Scenes, built_in, described, like_pictures
from pairmill.models.functional.chroma import grey
from pairmill.models.functional.kernels import gaussian_kernel, target_centre

PHOTOGRAPHED = 12
"""Photographs of a camera."""
CERTAIN = 100
"""How many times a picture counts whose spectrum is given: the built-in mean then has no weight."""
SHARPENING = (P.AMOUNT, P.RADIUS)


def bounds(which: str, available: Sequence[Picture], cameras: int) -> Iterator[Score]:
    """Gaussians, cameras that sharpen, and the one of the acceptance test."""
    for form, condition in (
        ("gaussian", Condition()),
        ("gaussian", Condition(noise=4)),
        ("lobes", Condition()),
        ("lobes", Condition(noise=4)),
        ("lobes", Condition(noise=2, quality=92)),
    ):
        for number in range(cameras):
            trial = Trial("bounds", which, form, condition)
            device = None if condition.quality is None else sharpening()
            yield from _one_camera(trial, available, number, device)


def sharpening() -> Camera:
    """A blur of 1.2 HR pixels, then an unsharp mask of amount 1 at a radius of 1 pixel."""
    blur = gaussian_kernel(DRAWN[2], 1.2, 1.2, 0, target_centre(DRAWN[2], 2))
    return Camera("lobes", 2, blur, unsharp(1.0, 1.0))


def _one_camera(
    trial: Trial, available: Sequence[Picture], number: int, device: Camera | None
) -> Iterator[Score]:
    rng = trial.rng(number)
    drawn = draw_camera(trial.form, rng)
    device = device or drawn
    chosen = some_of(available, max(GROUPS), SEED + number)[:PHOTOGRAPHED]
    seen = [measured(one) for one in shots(chosen, device, trial.condition, rng)]
    left = [one for one in available if one not in chosen]
    tried = {
        "form and own scenes": _told(trial.form, seen, _scenes_of(chosen)),
        "form and like scenes": _told(trial.form, seen, _scenes_of(left)),
        "form": _told(trial.form, seen, built_in()),
        "camera, like scenes": camera(seen, trial.scale, _scenes_of(left)).camera.kernel,
        "camera": camera(seen, trial.scale).camera.kernel,
    }
    for name, kernel in tried.items():
        key = trial.key(name, PHOTOGRAPHED)
        yield scored(key, Estimate(name, kernel, 0.0), device.truth)


def _scenes_of(pictures: Sequence[Picture]) -> Scenes:
    """Scenes whose mean is that of some pictures, which is taken for certain."""
    looks = [described(grey(one.image))[0] for one in pictures]
    return like_pictures(looks * CERTAIN, built_in())


def _told(form: str, seen: Sequence[Seen], scenes: Scenes) -> Array:
    """The kernel of a form that is given, as likely as possible."""
    values = CENTRE.copy()
    free: tuple[P, ...] = GAUSSIAN
    if form == "lobes":
        values[P.AMOUNT], free = 0.7, (*GAUSSIAN, *SHARPENING)
    found = match(Model(scenes), [spectrum for spectrum, _ in seen], Blur(values), free)
    return found.blur.kernel(2, SIDES[2])
