"""A recipe of the settings on the page, written beside the one that they come from."""

from __future__ import annotations

import re
from pathlib import Path

from pairmill.pipeline.recipe.edit import merged, with_entry
from pairmill.pipeline.recipe.load import parse_recipe
from pairmill.pipeline.recipe.yaml_text import load_yaml
from pairmill.pipeline.workspace.disk import create_new_file
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.errors import PairmillError, UserError
from pairmill.schemas.live import LiveSaved
from pairmill.schemas.recipe import Recipe

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
"""Names that every file system takes, and that hide nothing."""


def save(original: Path, text: str, place: int, after: DegraderBase, name: str) -> LiveSaved:
    """Write a recipe in which one degrader has other settings, and read it again.

    Args:
        original: The recipe's file; the new one comes beside it, or beside what a link leads to:
            relative patterns start there.
        text: What stood in it when it was read, with the ends of its lines.
        place: Place of the degrader in it.
        after: Its settings.
        name: Name of the new file, with or without `.yaml`.

    Raises:
        UserError: if the name is taken or cannot be one.
        PairmillError: if the recipe cannot be written in a way that says just this.
    """
    target = original.resolve().with_name(_file_name(name))
    before = parse_recipe(text, str(original))
    said = load_yaml(text, str(original)).get("degraders") or [{}]
    wanted = merged(said[place], before.degraders[place], after)
    wanted.setdefault("kind", after.kind)
    changed, comments = with_entry(text.replace("\r\n", "\n"), "degraders", place, wanted)
    if "\r\n" in text:
        changed = changed.replace("\n", "\r\n")
    _check(changed, before, place, after, target)
    try:
        create_new_file(target, changed.encode())
    except FileExistsError:
        raise UserError(
            "there is a file of that name",
            where=str(target),
            todo="give another name; nothing is overwritten",
        ) from None
    except OSError as error:
        raise UserError(
            "the recipe cannot be written there", where=str(target), got=str(error)
        ) from error
    names = [n for n in type(after).model_fields if _differs(n, before.degraders[place], after)]
    return LiveSaved(path=str(target), comments=comments or "#" not in text, changed=tuple(names))


def _differs(name: str, before: DegraderBase, after: DegraderBase) -> bool:
    return bool(getattr(before, name) != getattr(after, name))


def _file_name(name: str) -> str:
    stem = re.sub(r"\.ya?ml$", "", name)
    if not NAME.fullmatch(stem):
        raise UserError(
            "this cannot be the name of a recipe file",
            got=name,
            wanted="letters, digits, dots, dashes and underscores, such as phone-sharper",
        )
    return stem + (name[len(stem) :] or ".yaml")


def _check(text: str, before: Recipe, place: int, after: DegraderBase, target: Path) -> None:
    """Read what is to be written."""
    degraders = (*before.degraders[:place], after, *before.degraders[place + 1 :])
    wanted = before.model_copy(update={"degraders": degraders})
    if parse_recipe(text, str(target)) != wanted:
        raise PairmillError(
            "the recipe cannot be written so that it says what the page says",
            where=str(target),
            todo="copy the settings from the page by hand; please report this",
        )
