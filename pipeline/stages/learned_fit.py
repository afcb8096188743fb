"""What all fits of learned degradations share: the whole fit is one unit, it continues from its
last check after it was killed, and stops when the AUC no longer falls.

A stage of a fit says in a `Learner` what is its own: how it begins, how it is looked at, and what
it leaves behind. Everything else, and with it that a resumed fit ends in the same bytes, is here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.encode import encode_png
from pairmill.pipeline.realism.fits import number, words
from pairmill.pipeline.runner.stage import Context, Unit
from pairmill.pipeline.stages import clean_up
from pairmill.pipeline.stages.checkpoint import CHECKPOINT
from pairmill.pipeline.stages.payload import npy_bytes
from pairmill.pipeline.workspace import layout
from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageRecord, ImageSet
from pairmill.schemas.realism import RealismResult
from pairmill.schemas.work import Payload

if TYPE_CHECKING:
    from pairmill.models.fitting.fit import LearnedFit

STATE, LOSSES = "state.safetensors", "curves.npy"
Image = NDArray[np.uint8]
P = TypeVar("P", bound=Payload)
C = TypeVar("C", bound=Frozen)
F = TypeVar("F", bound="LearnedFit[Any]")
S = TypeVar("S")
R = TypeVar("R", bound=Frozen)


class HrPart(Frozen):
    """One HR image."""

    image: ImageRecord
    """Its source."""
    key: Digest
    """The unit that made it."""
    cleaned: bool
    """Whether it is `hr.npy` of that unit, or the source as it is."""


class FitSettings(Protocol):
    """What a fit's section of the recipe says of its length."""

    @property
    def samples(self) -> int:
        """Samples to see."""

    @property
    def check_every(self) -> int:
        """Samples between two checks."""


@dataclass(frozen=True)
class Look(Generic[S]):
    """What a fit draws at a check."""

    sight: S
    """Real and drawn images, as the fit's own measures want them."""
    realism: RealismResult
    """How well the two are distinguished."""
    image: Callable[[], Image]
    """Draws them side by side."""


@dataclass(frozen=True)
class Learner(Generic[P, C, F, S, R]):
    """What one kind of fit adds."""

    settings: Callable[[C], FitSettings]
    begin: Callable[[P, C, Context], F]
    """A new fit."""
    look: Callable[[F, P, C], Look[S]]
    leave: Callable[[F, Look[S], Unit[P], C, Context], R]
    """Writes what is kept of a finished fit, and describes it."""
    shown: tuple[str, ...]
    """Losses that progress shows."""
    begun: Callable[[P], bool] = lambda _: False
    """Whether a new fit can be drawn from already, and is checked before anything is learned."""

    def work(self, units: Sequence[Unit[P]], config: C, context: Context) -> Iterator[R]:
        """Fit, or continue a fit that was killed; write the state, an image and the curves at
        every check.
        """
        from pairmill.models.fitting.threads import one_thread

        for unit in units:
            with one_thread():
                fit = self._begun(unit, config, context)
                if self.begun(unit.payload) and not fit.aucs:
                    self._check(fit, unit, config, context)
                while not fit.done:
                    self._advance(fit, config, context)
                    self._check(fit, unit, config, context)
                fit.finish()
                look = self.look(fit, unit.payload, config)
                yield self.leave(fit, look, unit, config, context)

    def _begun(self, unit: Unit[P], config: C, context: Context) -> F:
        from pairmill.models.fitting.checkpoint import restore

        fit = self.begin(unit.payload, config, context)
        state = f"{layout.unit_folder(context.stage, unit.key)}/{STATE}"
        if context.storage.exists(state):
            restore(fit, context.storage.read(state))
        return fit

    def _advance(self, fit: F, config: C, context: Context) -> None:
        settings = self.settings(config)
        for samples in fit.advance(settings.check_every):
            note = words(fit.curves, fit.aucs, fit.columns, self.shown)
            context.report(0.99 * samples / settings.samples, note)

    def _check(self, fit: F, unit: Unit[P], config: C, context: Context) -> None:
        """The AUC joins the trend; the state is written last, so that a killed fit never continues
        from a check half done.
        """
        from pairmill.models.fitting.checkpoint import state_bytes

        look = self.look(fit, unit.payload, config)
        fit.check(number(look.realism))
        context.write(unit, layout.fit_picture(fit.samples), encode_png(look.image()))
        context.write(unit, LOSSES, npy_bytes(np.array(fit.curves)))
        context.write(unit, STATE, state_bytes(fit))


def hr_parts(images: ImageSet, hr: HrSet, most: int) -> tuple[HrPart, ...]:
    """At most so many of the HR images, evenly spread in digest order."""
    records = images.by_digest()
    parts = [
        HrPart(image=records[ref.hr.image], key=ref.key, cleaned=ref.hr.cleaned)
        for ref in hr.images
    ]
    return spread(parts, most)


def read_hrs(context: Context, parts: Sequence[HrPart], window: int) -> list[Image]:
    """The middles of HR images, each at most `window` pixels a side."""
    hrs = (
        clean_up.read_hr(context.storage, part.image, part.key, cleaned=part.cleaned)
        for part in parts
    )
    return [centre(hr, window) for hr in hrs]


def spread(items: Sequence[Any], most: int) -> tuple[Any, ...]:
    """At most so many items, evenly spread."""
    count = min(most, len(items))
    return tuple(items[number * len(items) // count] for number in range(count))


def centre(image: Image, side: int) -> Image:
    """The centred part of (H, W, 3), at most `side` x `side`."""
    top, left = (max(0, length - side) // 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side].copy()


def leave_checkpoint(unit: Unit[Any], context: Context, data: bytes) -> str:
    """Write what programs will draw from; its SHA-256."""
    context.write(unit, CHECKPOINT, data)
    return hashlib.sha256(data).hexdigest()
