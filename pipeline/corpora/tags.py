"""Tags: names that a user gives to versions, which keep them from being collected."""

from __future__ import annotations

import re

from pairmill.pipeline.corpora.log import TAG, find_version, read_tag
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.lock import GC, refuse
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import Tag
from pairmill.schemas.errors import PairmillError, UserError

DIGITS = re.compile(r"[0-9a-f]+")


def set_tag(storage: Storage, reference: str, name: str, time: str) -> Tag:
    """Give a version a name; of two that give the same name at once, one is told so.

    A tag is a file of its own, made only where there is none: no reader sees half of it, and
    nobody's is lost.

    Raises:
        UserError: if there is no such version, the name cannot be one, or another version has it.
        BusyError: if `gc` is deleting versions.
    """
    if not TAG.fullmatch(name) or DIGITS.fullmatch(name):
        raise UserError(
            "invalid tag",
            where=name,
            wanted="1 to 60 of a-z, 0-9, dot, dash and underscore, but not a hexadecimal number, "
            "which would look like a version",
            todo="for example `released` or `v1.0`",
        )
    manifest = find_version(storage, reference)
    corpus = manifest.identity.name
    tag = Tag(name=name, version=manifest.version, time=time)
    file = layout.tag_file(corpus, name)
    if not storage.create_new(file, tag.canonical_json().encode()):
        return _taken(storage, corpus, tag)
    try:
        refuse(storage, GC)  # it may have looked at the tags before this one was there
    except PairmillError:
        storage.remove(file)
        raise
    return tag


def _taken(storage: Storage, corpus: str, tag: Tag) -> Tag:
    found = read_tag(storage, corpus, tag.name)
    if found is not None and found.version == tag.version:
        return found
    raise UserError(
        f"{corpus} already has a tag {tag.name!r}",
        where=storage.path(layout.tag_file(corpus, tag.name)),
        got=f"version {found.version}" if found else "just removed",
        wanted=f"version {tag.version}",
        todo=f"`pairmill corpus tag {corpus}@{tag.name} {tag.name} --delete` removes it",
    )


def delete_tag(storage: Storage, reference: str, name: str) -> Tag:
    """Take a name away from a version; a corpus alone means the version that has it.

    Raises:
        UserError: if the version has no such tag.
    """
    corpus, _, wanted = reference.partition("@")
    found = read_tag(storage, corpus, name)
    manifest = find_version(storage, reference if wanted or not found else f"{corpus}@{name}")
    if found is None or found.version != manifest.version:
        raise UserError(
            f"{corpus}@{manifest.version} has no tag {name!r}",
            where=storage.path(layout.tag_folder(corpus)),
            got=f"that tag means {found.version}" if found else "",
            todo=f"`pairmill corpus list {corpus}` shows tags",
        )
    storage.remove(layout.tag_file(corpus, name))
    return found
