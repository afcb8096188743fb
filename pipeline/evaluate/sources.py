"""What networks are evaluated on: pairs of files, HR alone, splits of corpora, real images; read
when needed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from pairmill.models.functional.imresize import imresize_down
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.corpora.replayed import split_index
from pairmill.pipeline.evaluate.any_size import read_any
from pairmill.pipeline.evaluate.crops import Image
from pairmill.pipeline.evaluate.known_kernels import CorpusKernels, Known, by_bicubic
from pairmill.pipeline.evaluate.outputs import images_named
from pairmill.pipeline.images.listing import composed
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import ImageReason

SIDE = re.compile(r"[-_ ]?(hr|gt|lr[a-z]*[-_ ]?\d?|x\d)$", re.IGNORECASE)
"""What names of HR and LR files may end in, such as `_HR`, `_LR4`, `x4`."""


class Pair(NamedTuple):
    """What is read of a case at a scale."""

    hr: Image | None
    """None of real images."""
    lr: Image
    whole: Image | None = None
    """The image that HR is, with the rows and columns that are cut off; none without HR, and where
    HR is a tile."""


Reader = Callable[[int], Pair]
"""Reads at a scale."""


@dataclass(frozen=True)
class Case:
    """One image, read when asked."""

    name: str
    """File name, or key in a corpus."""
    read: Reader
    """The image; scale 0 takes pairs as they are. Raises ImageRejected, or UserError if the sizes
    do not fit."""
    source: str = ""
    """Digest of the pixels of the image that it is a tile of; empty if it is a whole image."""
    has_hr: bool = True
    """Whether there is HR."""
    kernel: Known | None = None
    """How the LR was made, if that is known: by a corpus, or since it is made here."""


@dataclass(frozen=True)
class Group:
    """Cases that are averaged."""

    name: str
    """Name in tables."""
    about: str
    """What it is, in a few words."""
    kind: str
    """See `GroupView.kind`."""
    cases: tuple[Case, ...]
    """In order of names."""
    scale: int | None = None
    """The scale, where it is known."""


def _lonely(side: str, urls: Mapping[str, str], stems: list[str]) -> Iterator[str]:
    """How many files of a side have no partner, and the first of them."""
    if stems:
        named = ", ".join(posixpath.basename(urls[stem]) for stem in stems[:3])
        yield f"{len(stems)} only in {side}: {named}"


def paired_folders(hr: str, lr: str, base: str, *, by_lr: bool = False) -> Group:
    """Pairs of files of the same name, but for endings such as `_HR` and `x4`.

    Args:
        hr: HR patterns.
        lr: LR patterns.
        base: Folder that relative ones start at.
        by_lr: Whether the group is called as the LR, since others have the same HR.

    Raises:
        UserError: if a folder is empty, or a file of either side has no partner or several.
    """
    above, below = (
        _by_stem(pattern, base, option) for pattern, option in ((hr, "--hr"), (lr, "--lr"))
    )
    lonely = [
        *_lonely("--hr", above, sorted(above.keys() - below.keys())),
        *_lonely("--lr", below, sorted(below.keys() - above.keys())),
    ]
    if lonely:
        raise UserError(
            "HR and LR files do not match",
            where=f"{hr} and {lr}",
            got="; ".join(lonely),
            wanted="the same names on both sides, apart from endings such as _HR, _LR4 or x4",
            todo="name folders that hold the same images",
        )
    cases = tuple(
        Case(posixpath.basename(above[stem]), _pair(above[stem], below[stem]))
        for stem in sorted(above)
    )
    name = _folder_name(lr if by_lr else hr)
    return Group(name, f"pairs of {hr} and {lr}", "pairs", cases)


def hr_folder(hr: str, base: str, *, labels: bool = True) -> Group:
    """HR files, whose LR is their MATLAB-compatible bicubic downscaling, made when read; with
    `labels`, networks that take it are told that.

    Raises:
        UserError: if there are no files.
    """
    files = images_named(hr, base, "--hr")
    cases = tuple(
        Case(
            posixpath.basename(file.url),
            _reduced(file.url),
            kernel=by_bicubic if labels else None,
        )
        for file in files
    )
    return Group(
        _folder_name(hr), "LR by MATLAB's bicubic downscaling, made here", "bicubic", cases
    )


def real_images(pattern: str, base: str) -> Group:
    """Real images without HR.

    Raises:
        UserError: if there are none.
    """
    files = images_named(pattern, base, "--real")
    cases = tuple(
        Case(posixpath.basename(file.url), _alone(file.url), has_hr=False) for file in files
    )
    return Group(_folder_name(pattern), f"real images of {pattern}", "real", cases)


def corpus_groups(
    storage: Storage, reference: str, split: str, *, labels: bool = True
) -> list[Group]:
    """The samples of a split of a corpus version, a group per degrader; with `labels`, networks
    that take it are told how each LR was made.

    Raises:
        UserError: if there is no such version or split.
    """
    manifest = find_version(storage, reference)
    identity = manifest.identity
    rows: dict[str, dict[str, str]] = {}
    for row in read_table(storage, manifest):
        if row.split == split:
            rows.setdefault(row.degrader, {})[row.key] = row.image
    name, scale = f"{identity.name}@{manifest.version}", int(identity.recipe["scale"])
    if not rows:
        raise UserError(
            f"there are no samples in split {split!r}",
            where=name,
            got=f"splits: {', '.join(identity.samples)}",
            wanted="the name of a split with samples",
            todo="name another with --split",
        )
    read = _corpus_reader(storage, manifest, split)
    kernels = CorpusKernels(storage, manifest, split) if labels else None
    groups = []
    for degrader, keys in sorted(rows.items()):
        cases = tuple(
            Case(key, read(key), keys[key], kernel=partial(kernels.of, key) if kernels else None)
            for key in sorted(keys)
        )
        groups.append(Group(degrader, f"{split} of {name}", "corpus", cases, scale))
    return groups


def thinned(cases: Sequence[Case], limit: int | None) -> tuple[Case, ...]:
    """At most so many, taken evenly."""
    if limit is None:
        count = len(cases)
    else:
        count = min(limit, len(cases))
    return tuple(cases[place * len(cases) // count] for place in range(count))


def _by_stem(pattern: str, base: str, option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in images_named(pattern, base, option):
        stem = composed(posixpath.splitext(posixpath.basename(file.url))[0])
        while (shorter := SIDE.sub("", stem)) not in ("", stem):
            stem = shorter
        if stem in found:
            names = f"{posixpath.basename(found[stem])} and {posixpath.basename(file.url)}"
            raise UserError(
                "two files on one side have the same name",
                where=f"{option} {pattern}",
                got=names,
                wanted="one file for each image",
                todo="put one of them elsewhere",
            )
        found[stem] = file.url
    return found


def _pair(hr_url: str, lr_url: str) -> Reader:
    def read(scale: int) -> Pair:
        whole, lr = read_any(hr_url), read_any(lr_url)
        hr = fitted(whole, lr, scale, f"{hr_url} and {lr_url}") if scale else whole
        return Pair(hr, lr, whole)

    return read


def fitted(hr: Image, lr: Image, scale: int, where: str) -> Image:
    """HR without the rows and columns at its end that LR does not stand for, fewer than `scale`.

    Raises:
        UserError: if HR is not that large.
    """
    height, width = scale * lr.shape[0], scale * lr.shape[1]
    rest = (hr.shape[0] - height, hr.shape[1] - width)
    if min(rest) < 0 or max(rest) >= scale:
        raise UserError(
            f"this pair is not of scale {scale}",
            where=where,
            got=f"HR {hr.shape[1]} x {hr.shape[0]}, LR {lr.shape[1]} x {lr.shape[0]}: "
            f"{_ratio(hr, lr)}",
            wanted=f"HR {width} x {height}, or less than {scale} pixels more",
            todo="name pairs of the scale of the checkpoint, or a checkpoint of their scale",
        )
    return hr[:height, :width]


def _ratio(hr: Image, lr: Image) -> str:
    down, along = (hr.shape[axis] / lr.shape[axis] for axis in (0, 1))
    if abs(down - along) < 0.05 * along:
        return f"about x{along:.3g}"
    return f"x{along:.3g} across, x{down:.3g} down"


def guessed_scale(groups: Sequence[Group]) -> int | None:
    """The scale of a corpus or of the first pair of files that can be read; none if there is
    neither.
    """
    known = next((group.scale for group in groups if group.scale), None)
    if known is not None:
        return known
    pairs = (case for group in groups if group.kind == "pairs" for case in group.cases)
    for case in pairs:
        try:
            hr, lr, _ = case.read(0)
        except ImageRejected:
            continue
        assert hr is not None
        return max(1, round(float(hr.shape[1] / lr.shape[1])))
    return None


def _reduced(url: str) -> Reader:
    def read(scale: int) -> Pair:
        image = read_any(url)
        if min(image.shape[:2]) < scale:
            detail = (
                f"The image is {image.shape[1]} x {image.shape[0]} and cannot be downscaled by "
                f"{scale}."
            )
            raise ImageRejected(ImageReason.TOO_SMALL, detail)
        hr = image[: image.shape[0] // scale * scale, : image.shape[1] // scale * scale]
        return Pair(hr, imresize_down(hr, scale), image)

    return read


def _alone(url: str) -> Reader:
    return lambda _scale: Pair(None, read_any(url))


def _corpus_reader(
    storage: Storage, manifest: CorpusManifest, split: str
) -> Callable[[str], Reader]:
    index = split_index(storage, manifest, split)
    places = {key.decode(): number for number, key in enumerate(index.keys)}

    def reader(key: str) -> Reader:
        def read(scale: int) -> Pair:
            above, below = index.pair(places[key])
            return Pair(fitted(above, below, scale, f"sample {key}"), below)

        return read

    return reader


def _folder_name(pattern: str) -> str:
    """A short name for what a pattern names: its last folder that says more than which side it
    is.
    """
    parts = [
        part
        for part in pattern.split("/")
        if part not in ("", ".", "..") and not re.search(r"[*?\[]", part)
    ]
    telling = [part for part in parts if SIDE.sub("", f"_{part}") != ""]
    return (telling or parts or [pattern])[-1]
