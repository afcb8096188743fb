"""`pairmill new`: a recipe for a folder of photos."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, get_args

from rich.markup import escape

from pairmill.flows import terminal
from pairmill.pipeline.images.listing import look_at, place_of
from pairmill.pipeline.recipe.load import new_recipe, parse_recipe
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe, Scale

if TYPE_CHECKING:
    from pairmill.pipeline.preview.suggest import Suggestion

SCALES = get_args(Scale)
"""Scales that a new recipe may have."""


def write_recipe(folder: str, scale: int, name: str | None) -> None:
    """Write NAME.yaml for a folder of photos, or for a URL of one.

    Raises:
        UserError: if the folder is not there, or the file already is.
    """
    place = folder_of(folder)
    if place is None:
        todo = "name the folder that holds your photos"
        raise UserError("there is no such folder", where=absolute(folder), todo=todo)
    if scale not in SCALES:
        raise UserError(
            "recipes are not for this scale",
            where="--scale",
            got=str(scale),
            wanted="2, 3, 4 or 8",
            todo="write one of these; other ratios are not supported",
        )
    chosen = name or name_from(place)
    target = Path(f"{chosen}.yaml")
    if target.exists():
        raise UserError(
            "the recipe already exists",
            where=str(target.absolute()),
            todo="edit it, or give another --name",
        )
    first = new_recipe(chosen, place, scale)
    found = _suggested(parse_recipe(first, str(target)))
    settings = {"tile": found.tile, "patch": found.patch, "factor": found.factor}
    text = new_recipe(chosen, place, scale, **settings)
    parse_recipe(text, str(target))
    target.write_text(text, "utf-8")
    terminal.line(f"wrote [bold]{target}[/]")
    for why in found.why:
        terminal.line(f"  photos   {escape(why)}")
    terminal.line(f"  next     pairmill preview {target}")
    terminal.line(f"  camera   pairmill camera {escape(quote(folder))} says what its camera does")


def folder_of(text: str) -> str | None:
    """Absolute path or URL of a folder; none if there is no such folder.

    Raises:
        UserError: if a store cannot be reached.
    """
    place = place_of(text, str(Path.cwd()), "FOLDER")
    if look_at(place, "FOLDER") != "folder":
        return None
    return place.url.rstrip("/") if "://" in text else str(Path(place.url).resolve())


def absolute(text: str) -> str:
    """A path or URL as it is told."""
    return text if "://" in text else str(Path(text).expanduser().absolute())


def _suggested(recipe: Recipe) -> Suggestion:
    """What the photos of a new recipe ask for; the defaults where there are none yet."""
    from pairmill.pipeline.preview.suggest import Suggestion, suggest
    from pairmill.pipeline.runner.execution import one_thread
    from pairmill.pipeline.stages import ingest

    one_thread()
    try:
        files = ingest.find(recipe.images, "/").files
    except UserError:
        return Suggestion()
    return suggest(recipe, files)


def name_from(folder: str) -> str:
    """A corpus name made of a folder's name."""
    kept = "".join(
        c if c.isascii() and (c.isalnum() or c in "-_") else "-"
        for c in Path(folder).resolve().name.lower()
    )
    return kept.strip("-")[:60] or "corpus"
