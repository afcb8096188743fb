"""Which photographs share a camera, as far as names, EXIF and clusters tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pairmill.pipeline.cameras.naming import Part, slug, unique_names
from pairmill.pipeline.cameras.shared import shared_facts, uncertain
from pairmill.pipeline.cameras.tree import camera_parts
from pairmill.schemas.camera import CameraFacts
from pairmill.schemas.groups import GroupsConfig, GroupSource, PhotographGroup, PhotographGroups
from pairmill.schemas.image import ImageSet, Role


@dataclass(frozen=True)
class Photograph:
    """What is known of one photograph before its pixels are looked at."""

    digest: str
    """Pixel digest."""
    size: tuple[int, int]
    """Width and height, in pixels."""
    name: str = ""
    """The group that the recipe says it is of; empty if it says none."""
    camera: CameraFacts | None = None
    """What its file says; none if that is nothing."""
    cluster: int | None = None
    """The cluster that its spectrum is in; none if spectra were not looked at."""


NO_CLUSTERS: Mapping[str, int] = {}
VARIOUS = "various"
"""What a group is called that is of many cameras."""
UNKNOWN = {
    "auto": "no EXIF",
    "exif": "no EXIF",
    "names": "no name",
    "spectra": "no cluster",
    "one": "",
}
"""Why nothing is known of a photograph, by the way of grouping."""


def photographs_of(
    images: ImageSet, clusters: Mapping[str, int] = NO_CLUSTERS
) -> tuple[Photograph, ...]:
    """The real images, in the order of the set.

    Args:
        images: Images that take part.
        clusters: Label of the spectrum by pixel digest, where there are some.
    """
    return tuple(
        Photograph(
            digest=image.pixel_sha256,
            size=(image.width, image.height),
            name=image.group,
            camera=image.camera,
            cluster=clusters.get(image.pixel_sha256),
        )
        for image in images.with_role(Role.REAL)
    )


def spectra_asked(photographs: Sequence[Photograph], config: GroupsConfig) -> bool:
    """Whether clusters of spectra have a say: where they are asked for, or nothing else is known,
    and there are photographs for two groups.
    """
    if len(photographs) < 2 * config.min_photographs:
        return False
    if config.by == "auto":
        return not any(photograph.name or _camera(photograph) for photograph in photographs)
    return config.by == "spectra"


def group_photographs(photographs: Sequence[Photograph], config: GroupsConfig) -> PhotographGroups:
    """Divide photographs into groups that share a camera.

    Deterministic, and the same for every order of the photographs; within a group they are by
    digest, which is the order of image sets. Every photograph is in exactly one group, and no group
    has fewer than `config.min_photographs`, but for named ones and the only one.
    """
    ordered = sorted(photographs, key=lambda photograph: photograph.digest)
    parts = _divided(ordered, config)
    parts.sort(key=lambda part: part.photographs[0].digest)
    return PhotographGroups(
        groups=tuple(
            _group(part, name) for part, name in zip(parts, unique_names(parts), strict=True)
        )
    )


def _divided(photographs: Sequence[Photograph], config: GroupsConfig) -> list[Part[Photograph]]:
    by, least = config.by, config.min_photographs
    left, parts = list(photographs), list[Part[Photograph]]()
    if by in ("auto", "names"):
        parts += _named(left)
        left = [photograph for photograph in left if not photograph.name]
    found = list[Part[Photograph]]()
    if by in ("auto", "exif"):
        told = [photograph for photograph in left if _camera(photograph)]
        left = [photograph for photograph in left if not _camera(photograph)]
        cameras, various = camera_parts(told, least)
        found += cameras
        if various:
            found.append(_few(various, least))
    if by in ("auto", "spectra"):
        clusters, left = _clusters(left, least)
        found += clusters
    if len(found) == 1 and not parts and not left:
        return found  # one camera, however few of its photographs there are
    if found:
        return parts + _with_rest(found, left, least, UNKNOWN[by])
    if left:
        # Next to named groups it is what the recipe leaves without a name.
        notes = (UNKNOWN[by],) if UNKNOWN[by] else ()
        parts.append(Part(VARIOUS if parts else "all", GroupSource.ONE, left, notes))
    return parts


def _camera(photograph: Photograph) -> str:
    return photograph.camera.name if photograph.camera else ""


def _named(photographs: Sequence[Photograph]) -> list[Part[Photograph]]:
    """Those that the recipe names, whatever their number: whoever names a group knows it."""
    names = sorted({photograph.name for photograph in photographs} - {""})
    parts = []
    for name in names:
        chosen = [photograph for photograph in photographs if photograph.name == name]
        models = {_camera(photograph) for photograph in chosen} - {""}
        notes = (f"contradictory: {len(models)} models under one name",)
        parts.append(Part(name, GroupSource.NAMES, chosen, notes if len(models) > 1 else ()))
    return parts


def _few(photographs: Sequence[Photograph], least: int) -> Part[Photograph]:
    """Photographs of all cameras that have too few."""
    models = {_camera(photograph) for photograph in photographs}
    if len(models) == 1:
        return Part(models.pop(), GroupSource.EXIF, photographs)
    said = f"{len(models)} cameras with fewer than {least} photographs each"
    return Part(VARIOUS, GroupSource.EXIF, photographs, (said,))


def _clusters(
    photographs: Sequence[Photograph], least: int
) -> tuple[list[Part[Photograph]], list[Photograph]]:
    """Clusters that are large enough, and the photographs that are in none."""
    labels = {photograph.cluster for photograph in photographs} - {None}
    members = {
        label: [photograph for photograph in photographs if photograph.cluster == label]
        for label in labels
    }
    large = sorted(
        (chosen for chosen in members.values() if len(chosen) >= least),
        key=lambda chosen: chosen[0].digest,
    )
    # By their order, not their label: whoever clusters may number them as it likes.
    parts = [
        Part(f"spectra-{number}", GroupSource.SPECTRA, chosen)
        for number, chosen in enumerate(large, 1)
    ]
    inside = {photograph.digest for part in parts for photograph in part.photographs}
    return parts, [photograph for photograph in photographs if photograph.digest not in inside]


def _with_rest(
    found: list[Part[Photograph]], rest: list[Photograph], least: int, unknown: str
) -> list[Part[Photograph]]:
    """The groups, with the photographs of which nothing is known, and none that is too small."""
    small = [part for part in found if len(part.photographs) < least]
    large = [part for part in found if len(part.photographs) >= least]
    if len(rest) >= least:
        large.append(Part(slug(unknown), found[0].source, rest, (unknown,)))
        rest = []
    strays = [photograph for part in small for photograph in part.photographs] + rest
    if not strays:
        return large
    strays.sort(key=lambda photograph: photograph.digest)
    if large and len(strays) < least:
        return _joined(large, strays)
    notes = tuple(text for part in small for text in part.notes)
    notes += (f"{len(rest)} with {unknown}",) if rest else ()
    return [*large, Part(VARIOUS, found[0].source, strays, notes)]


def _joined(large: list[Part[Photograph]], strays: Sequence[Photograph]) -> list[Part[Photograph]]:
    """The largest group takes in what is too little for a group of its own."""
    most = max(large, key=lambda part: (len(part.photographs), part.photographs[0].digest))
    chosen = sorted((*most.photographs, *strays), key=lambda photograph: photograph.digest)
    unknown = sum(not _camera(photograph) for photograph in strays)
    said = [f"{unknown} of an unknown camera"] if unknown else []
    said += [f"{len(strays) - unknown} of other cameras"] if len(strays) > unknown else []
    notes = (*most.notes, f"joined by {' and '.join(said)}")
    return [
        replace(part, photographs=chosen, notes=notes) if part is most else part for part in large
    ]


def _group(part: Part[Photograph], name: str) -> PhotographGroup:
    chosen = part.photographs
    cameras = [photograph.camera for photograph in chosen]
    return PhotographGroup(
        name=name,
        source=part.source,
        photographs=tuple(photograph.digest for photograph in chosen),
        shared=shared_facts(cameras),
        notes=(*part.notes, *uncertain(cameras, [photograph.size for photograph in chosen])),
    )
