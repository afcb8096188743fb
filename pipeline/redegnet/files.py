"""Pairs of files by name, and files of weights, as a recipe names them; and the pairs in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from pairmill.pipeline.images.decode import load
from pairmill.pipeline.images.find import find_files
from pairmill.pipeline.images.pairs import PairPatterns
from pairmill.pipeline.images.read import read_image
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.pipeline.redegnet.pairs import Faces
from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import PairsConfig
from pairmill.schemas.redegnet import FacePair

if TYPE_CHECKING:
    from pairmill.models.losses.vgg import Vgg

SHOWN = 5
"""Pairs that a message names."""
KEPT = 512
"""Pairs that are kept decoded; 512 x 512 pairs take 1.5 MiB each."""


class WeightsFile(Frozen):
    """A file of weights and what is in it."""

    url: str
    """Where it lies."""
    sha256: Digest
    """Digest of its bytes."""


def patterns_of(pairs: PairsConfig) -> PairPatterns:
    """Where the halves of the pairs are."""
    return PairPatterns("images.pairs", "lq", "hq", (pairs.lq, pairs.hq))


def check_sizes(pairs: Sequence[FacePair]) -> None:
    """Both images of every pair are of one size.

    Raises:
        UserError: if not.
    """
    apart = [
        pair for pair in pairs if (pair.lq.width, pair.lq.height) != (pair.hq.width, pair.hq.height)
    ]
    if apart:
        shown = ", ".join(
            f"{pair.name}: {pair.lq.width} x {pair.lq.height} and {pair.hq.width} x "
            f"{pair.hq.height}"
            for pair in apart[:SHOWN]
        )
        more = ""
        if len(apart) > SHOWN:
            more = f", and {len(apart) - SHOWN} more"
        raise UserError(
            "the images of a pair differ in size",
            where="recipe key images.pairs",
            got=f"LQ and HQ of {shown}{more}",
            wanted="an LQ image upscaled to the size of its restored counterpart, pixel over pixel",
            todo="upscale the LQ images (bilinear, as the restorer did) and save them as PNG",
        )


def weights_file(path: str, base: str, key: str) -> WeightsFile:
    """A file of weights that a recipe names, relative to its folder.

    Raises:
        UserError: if there is none, or more than one.
    """
    try:
        files = find_files([path], base, key)
    except UserError as error:
        raise UserError(
            "there is no such weights file",
            where=f"recipe key {key}",
            got=f"{path}; {error.got}",
            todo=error.todo,
        ) from None
    if len(files) != 1:
        raise UserError(
            f"{key} names {len(files)} files",
            where=f"recipe key {key}",
            got=path,
            wanted="one file",
        )
    return WeightsFile(
        url=files[0].url, sha256=hashlib.sha256(_bytes(files[0].url, key)).hexdigest()
    )


def read_weights(file: WeightsFile, key: str) -> bytes:
    """The bytes of a file of weights.

    Raises:
        UserError: if they are no longer those that were found.
    """
    data = _bytes(file.url, key)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise UserError(
            "a file of weights changed",
            where=file.url,
            todo="run the same command again to read the new file",
        )
    return data


def vgg_of(file: WeightsFile | None, key: str) -> Vgg | None:
    """VGG-19 of a file of weights; none without.

    Raises:
        UserError: if the file holds other weights.
    """
    from pairmill.models.losses.vgg import read_vgg

    if file is None:
        return None
    try:
        return read_vgg(read_weights(file, key))
    except ValueError as error:
        raise UserError(
            "this file holds no VGG-19 weights",
            where=file.url,
            got=str(error),
            wanted="torchvision's vgg19 state dict, .pth or .safetensors",
            todo=f"correct recipe key {key}, or leave it out to fit without what it is for",
        ) from error


def _bytes(url: str, key: str) -> bytes:
    try:
        return read_image(url)
    except ImageRejected as error:
        raise UserError(
            "a file of weights cannot be read",
            where=url,
            got=error.detail,
            todo=f"correct recipe key {key}",
        ) from error


class LoadedPairs(Sequence[Faces]):
    """Pairs that are decoded when they are asked for; those used last stay in memory."""

    def __init__(self, pairs: Sequence[FacePair]) -> None:
        self.pairs = pairs
        self._read = lru_cache(maxsize=KEPT)(self._decoded)

    def _decoded(self, number: int) -> Faces:
        pair = self.pairs[number]
        return Faces(load(pair.lq), load(pair.hq))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> Faces:  # type: ignore[override]
        """A pair, (H, W, 3) uint8 each."""
        if not 0 <= number < len(self.pairs):
            raise IndexError(number)
        return self._read(number)

    def __iter__(self) -> Iterator[Faces]:
        return (self[number] for number in range(len(self)))
