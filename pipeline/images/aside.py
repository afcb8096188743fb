"""Folders in which programs keep thumbnails, previews and deleted files beside a user's photos.

Their files look like photos and are none of the user's: small, sharpened, compressed again.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from pairmill.schemas.image import ImageReason, RejectedImage, Role

ASIDE = {
    "@eadir": "thumbnails of a Synology NAS",
    "@__thumb": "thumbnails of a QNAP NAS",
    "#recycle": "deleted files of a NAS",
    "@recycle": "deleted files of a NAS",
    "#snapshot": "old states of a NAS",
    "@recently-snapshot": "old states of a NAS",
    "$recycle.bin": "deleted files of Windows",
    "recycler": "deleted files of Windows",
    "system volume information": "files of Windows itself",
    "lost+found": "remains of a file system check",
    "*.lrdata": "previews of Lightroom",
    "*.cocatalog": "a catalogue of Capture One, with its previews",
    "captureone": "previews of Capture One",
    "*.photoslibrary/resources": "previews of Photos",
    "*.aplibrary/thumbnails": "previews of Aperture",
    "*.aplibrary/previews": "previews of Aperture",
    "appdata_oc*": "previews of Nextcloud",
}
"""What lies in folders of such names; capitals do not count. Names that begin with a dot, as
`.thumbnails` does, are left out before."""


def aside(name: str) -> str:
    """The folder of a path that says that its file is no photo, and what such folders hold; empty
    if there is none.

    Args:
        name: Path relative to the folder that the user has named, which always counts itself.
    """
    folders = name.split("/")[:-1]
    for end, folder in enumerate(folders, 1):
        for pattern, held in ASIDE.items():
            tail = "/".join(folders[max(0, end - 1 - pattern.count("/")) : end])
            if fnmatchcase(tail.lower(), pattern):
                return f"{folder}: {held}"
    return ""


def set_aside(url: str, role: Role, folder: str) -> RejectedImage:
    """The record of a file in such a folder."""
    return RejectedImage(
        url=url,
        role=role,
        reason=ImageReason.SET_ASIDE,
        detail=f"It lies in {folder}; to use it, name that folder or the file itself.",
    )
