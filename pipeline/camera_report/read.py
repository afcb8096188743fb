"""Files opened and measured, each decoded once."""

from __future__ import annotations

import multiprocessing
import posixpath
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.flat_blocks import Blocks
from pairmill.models.camera.photograph import PhotographSpectrum
from pairmill.models.camera.scenes import described, smallest_side
from pairmill.models.functional.chroma import grey
from pairmill.pipeline.cameras.naming import slug
from pairmill.pipeline.compression.mine import JPEG, of_file
from pairmill.pipeline.curation.attribution import is_table
from pairmill.pipeline.html.pictures import jpeg, thumbnail
from pairmill.pipeline.images.aside import set_aside
from pairmill.pipeline.images.coded import load_coded
from pairmill.pipeline.images.decode import OpenedImage, open_image
from pairmill.pipeline.images.find import FoundFile, find_with_aside
from pairmill.pipeline.runner.execution import as_finished, one_thread
from pairmill.pipeline.stages.measure_photographs import (
    cells_of,
    channels_of,
    middle,
    noise_blocks,
    spectrum_or_refusal,
)
from pairmill.schemas.compression import MinedCompression
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.image import (
    ImageReason,
    ImageRecord,
    IngestConfig,
    RejectedImage,
    Role,
)
from pairmill.schemas.kernel import KernelReason, SpectralKernelsConfig
from pairmill.schemas.pool import MeasureConfig

Array = NDArray[np.float64]

USUAL = SpectralKernelsConfig()
MEASURED = MeasureConfig(min_side=USUAL.min_side, min_contrast=USUAL.min_contrast)
"""What a photograph must be to show a blur: as in recipes."""
THUMBNAIL = 160
"""Longest side of the small image of a photograph, in pixels."""
IN_THIS_PROCESS = 24 << 20
"""Bytes of files that are read in less time than other processes take to start."""
Advanced = Callable[[int, int, str], None]
"""Hears how many files are done, of how many, and what is read now."""


@dataclass(frozen=True, eq=False)
class ReadPhotograph:
    """A photograph, measured."""

    record: ImageRecord
    """The image; its group is the folder that it lies in."""
    refused: KernelReason | None
    """Why it shows no blur."""
    spectrum: PhotographSpectrum | None
    """Its spectrum; none if it was refused."""
    cells: tuple[PhotographSpectrum, ...]
    """Those of the cells of its field; none if it is too small or was refused."""
    channels: tuple[PhotographSpectrum, ...]
    """Those of R, G and B; none if chroma is subsampled or it was refused."""
    compression: MinedCompression | None
    """What the tables of its file say; none if it is no JPEG."""
    blocks: Blocks
    """Its noise, block by block."""
    picture: bytes
    """A small JPEG of it."""


@dataclass(frozen=True, eq=False)
class ReadClean:
    """A clean image, described."""

    record: ImageRecord
    weights: Array
    """See `pairmill.models.camera.scenes.described`."""


ReadFile = ReadPhotograph | ReadClean | RejectedImage


def files_of(patterns: Sequence[str], base: str, option: str) -> list[FoundFile]:
    """Files that files, folders, globs and URLs name, each once, by path.

    Raises:
        UserError: if a pattern names nothing, or a folder cannot be listed.
    """
    return [file for file in find_with_aside(patterns, base, option) if not is_table(file.url)]


def read_photograph(file: FoundFile) -> ReadPhotograph | RejectedImage:
    """Open and measure one photograph."""
    if file.aside:
        return set_aside(file.url, Role.REAL, file.aside)
    opened = open_image(file, Role.REAL, IngestConfig(), camera=True)
    if isinstance(opened, RejectedImage):
        return opened
    record = opened.record
    part, compression = middle(opened.pixels), _compression(opened)
    refused, spectrum = spectrum_or_refusal(part, compression, MEASURED)
    return ReadPhotograph(
        record=record,
        refused=refused,
        spectrum=spectrum,
        cells=cells_of(opened.pixels, spectrum, compression) if spectrum else (),
        channels=channels_of(part, compression) if spectrum else (),
        compression=compression,
        blocks=noise_blocks(part, compression, load_coded(opened.record)),
        picture=jpeg(thumbnail(opened.pixels, THUMBNAIL), 80),
    )


def _compression(opened: OpenedImage) -> MinedCompression | None:
    if opened.record.format not in JPEG:
        return None
    return of_file(opened.data, opened.record.pixel_sha256)


def read_clean(file: FoundFile, scale: int) -> ReadClean | RejectedImage:
    """Open and describe one clean image."""
    if file.aside:
        return set_aside(file.url, Role.CLEAN, file.aside)
    opened = open_image(file, Role.CLEAN, IngestConfig())
    if isinstance(opened, RejectedImage):
        return opened
    record, least = opened.record, smallest_side(scale)
    if min(record.width, record.height) < least:
        said = f"{record.width} x {record.height} px; a clean image has sides of {least} px here"
        return RejectedImage(
            url=record.url, role=Role.CLEAN, reason=ImageReason.TOO_SMALL, detail=said
        )
    weights, _ = described(grey(opened.pixels), scale)
    return ReadClean(record, weights)


def read_files(
    photographs: Sequence[FoundFile],
    clean: Sequence[FoundFile],
    scale: int,
    workers: int = 1,
    advanced: Advanced = lambda *_: None,
) -> list[ReadFile]:
    """Everything that was found, in the order of places; in other processes where that is worth
    starting them.
    """
    jobs: list[Callable[[], ReadFile]] = [partial(read_photograph, file) for file in photographs]
    jobs += [partial(read_clean, file, scale) for file in clean]
    large = sum(file.bytes for file in (*photographs, *clean)) > IN_THIS_PROCESS
    carry = partial(_in_processes, workers) if large and workers > 1 else map_here
    found = dict[int, ReadFile]()
    for number, one in carry(list(enumerate(jobs))):
        found[number] = one
        url = one.url if isinstance(one, RejectedImage) else one.record.url
        advanced(len(found), len(jobs), url)
    return [found[number] for number in range(len(jobs))]


Job = tuple[int, Callable[[], ReadFile]]


def do(job: Job) -> tuple[int, ReadFile]:
    """A job and its number."""
    number, read = job
    return number, read()


def map_here(jobs: Sequence[Job]) -> Iterator[tuple[int, ReadFile]]:
    """One after the other."""
    return map(do, jobs)


def _in_processes(workers: int, jobs: Sequence[Job]) -> Iterator[tuple[int, ReadFile]]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start) as pool:
        try:
            yield from as_finished(jobs, lambda job: pool.submit(do, job), 2 * workers)
        except BrokenProcessPool as error:
            raise PairmillError(
                "a process that reads photographs was ended from outside",
                todo="free some memory, or give fewer or smaller photographs",
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start() -> None:
    """Ctrl-C goes to all processes of a terminal: this one ends at once and without words, and its
    parent says what there is to say.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    one_thread()


def named_by_folder(records: Sequence[ImageRecord]) -> dict[str, str]:
    """A group for each image, by place: the name of the folder that it lies in; of folders
    with equal names the later ones get a number.
    """
    folders = sorted({posixpath.dirname(record.url) for record in records})
    names = dict[str, str]()
    for folder in folders:
        name = plain = slug(posixpath.basename(folder) or "photos")
        number = 1
        while name in names.values():
            number += 1
            name = f"{plain}-{number}"
        names[folder] = name
    return {record.url: names[posixpath.dirname(record.url)] for record in records}
