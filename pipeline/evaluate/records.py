"""What was measured before: one small file per network and image, found by the digest of all that
its scores depend on.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress

from pairmill.pipeline.evaluate.crops import Image
from pairmill.pipeline.evaluate.measure import Scorer
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.encode import decode_png, encode_png
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import digest_of
from pairmill.schemas.evaluation import InferenceConfig, Measured, NetworkView

FORM = 3
"""Raised when the same network and image would give other scores."""
RECORDS = "records"


def digest_of_pair(hr: Image | None, lr: Image) -> str:
    """Digest of the pixels of HR, if there is one, and LR."""
    return digest_of([pixel_digest(hr) if hr is not None else "", pixel_digest(lr)])


class Records:
    """Scores that were kept in the folder of a page, by all evaluations that wrote there; a killed
    one continues from them.

    Args:
        target, folder: Where the page goes.
        config: How networks are run; the device counts too, for times are kept.
        scorer: What is measured.
    """

    def __init__(
        self, target: Storage, folder: str, config: InferenceConfig, scorer: Scorer
    ) -> None:
        self.target, self.folder = target, f"{folder}/{RECORDS}"
        self.known = set(target.names(self.folder))
        fitted = hashlib.sha256(scorer.niqe_fitted).hexdigest()
        self.measuring = [
            FORM,
            config.model_dump(mode="json"),
            [each.model_dump(mode="json") for each in scorer.metrics],
            fitted,
        ]

    def name(self, network: NetworkView, picture: str) -> str:
        """File of the scores of a network on an image, which is given by its digest."""
        # The control has no file: its words say which bicubic it is.
        by = network.sha256 or network.arch
        return f"{digest_of([*self.measuring, by, network.scale, picture])[:32]}.json"

    def read(self, name: str) -> Measured | None:
        """What was measured; none if nothing was."""
        if name in self.known:
            with suppress(ValueError):  # one of another version tells nothing
                return Measured.model_validate_json(self.target.read(f"{self.folder}/{name}"))
        return None

    def crop(self, name: str) -> Image | None:
        """The part of an upscaled image that a page has shown, by the name of its scores."""
        crop = _crop_of(name)
        if crop in self.known:
            with suppress(ValueError):
                return decode_png(self.target.read(f"{self.folder}/{crop}"))
        return None

    def keep_crop(self, name: str, crop: Image) -> None:
        """Keep what a page shows."""
        self.target.write(f"{self.folder}/{_crop_of(name)}", encode_png(crop))

    def write(self, name: str, measured: Measured) -> None:
        """Keep what was measured."""
        self.target.write(f"{self.folder}/{name}", measured.model_dump_json().encode())


def _crop_of(name: str) -> str:
    return f"{name.removesuffix('.json')}.png"
