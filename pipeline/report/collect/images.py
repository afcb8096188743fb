"""Source images, what was made of them, and the files that were rejected."""

from __future__ import annotations

from collections import Counter
from itertools import takewhile

from pipeline.report.collect.choose import evenly, in_turn
from pipeline.report.collect.sources import Sources
from pipeline.report.words import plain
from schemas.hr import HrImage, HrSet
from schemas.image import ImageRecord, ImageSet, RejectedImage
from schemas.report import ImagesSection, ImageView

SHOWN, REJECTED = 36, 500
"""Most images and rejected files that are shown."""


def collect_images(images: ImageSet, hr: HrSet, sources: Sources) -> ImagesSection:
    """Describe the image set."""
    made = {ref.hr.image: ref.hr for ref in hr.images}
    shown = [images.accepted[place] for place in evenly(len(images.accepted), SHOWN)]
    rejected = in_turn(images.rejected, lambda record: record.reason)[:REJECTED]
    skipped = Counter[str]()
    for ref in hr.images:
        skipped.update({str(reason): count for reason, count in ref.hr.skipped.items()})
    return ImagesSection(
        roles=dict(Counter(str(image.role) for image in images.accepted)),
        conversions=dict(Counter(str(c) for image in images.accepted for c in image.conversions).most_common()),
        tiles=hr.tiles, skipped=dict(skipped),
        shown=tuple(_view(image, made[image.pixel_sha256], sources) for image in shown),
        reasons=dict(Counter(str(record.reason) for record in images.rejected).most_common()),
        rejected=tuple(_cleaned(r, _root(images)) for r in sorted(rejected, key=lambda r: (r.reason, r.url))),
        rejected_total=len(images.rejected),
    )  # fmt: skip


def _view(image: ImageRecord, hr: HrImage, sources: Sources) -> ImageView:
    return ImageView(
        source=sources.name(image.pixel_sha256), thumbnail=sources.thumbnail(image.pixel_sha256), role=str(image.role),
        format=image.format, size=(image.width, image.height), hr_size=(hr.width, hr.height), tiles=len(hr.tiles),
        skipped={str(reason): count for reason, count in hr.skipped.items()},
        conversions=tuple(map(str, image.conversions)),
    )  # fmt: skip


def _root(images: ImageSet) -> str:
    """The folder in which all files lie, with a slash; a published corpus need not tell whose machine that was on."""
    urls = [*(image.url for image in images.accepted), *(record.url for record in images.rejected)]
    folders = [url.rpartition("/")[0].split("/") for url in urls]
    common = [names[0] for names in takewhile(lambda names: len(set(names)) == 1, zip(*folders, strict=False))]
    return "".join(f"{name}/" for name in common) if len(common) > 1 else ""


def _cleaned(record: RejectedImage, root: str) -> RejectedImage:
    """The name below `root`, without the secrets that a URL may end in."""
    url = record.url if "://" not in record.url else record.url.partition("?")[0]
    return record.model_copy(update={"url": plain(url.removeprefix(root)), "detail": plain(record.detail.replace(root, ""))})
