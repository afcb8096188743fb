"""Reading recipes, of corpora and of trainings, and saying what is wrong with them."""

from __future__ import annotations

import difflib
import json
import re
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pairmill.pipeline.recipe.strict_bools import truths_for_numbers
from pairmill.pipeline.recipe.yaml_text import load_yaml
from pairmill.schemas.degraders.steps import OneOf
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe

MOST_SHOWN = 6
MOST_NAMED = 8
M = TypeVar("M", bound=BaseModel)
SCHEMA_LINE = "# yaml-language-server: $schema={}\n"


def load_recipe(path: str) -> tuple[Recipe, str]:
    """Read a recipe file.

    Returns:
        The recipe, and the folder that its relative image patterns start at.

    Raises:
        UserError: if the file is missing, is not YAML, or has invalid settings.
    """
    return load_as(Recipe, path)


def load_as(model: type[M], path: str) -> tuple[M, str]:
    """The same for another kind of recipe."""
    file = Path(path).expanduser()
    return parse_as(model, _read(file), where=str(file)), str(file.resolve().parent)


def _read(file: Path) -> str:
    if not file.is_file():
        folder = file if file.is_dir() else file.parent
        if folder.is_dir():
            siblings = sorted(p.name for p in folder.glob("*.y*ml") if p.is_file())
        else:
            siblings = []
        near = difflib.get_close_matches(file.name, siblings, n=1)
        what = "there is no such recipe file"
        if file.is_dir():
            what = "this is a folder, not a recipe file"
        todo = "`pairmill new FOLDER` writes a recipe for your images"
        if near:
            todo = f"did you mean {folder / near[0]}?"
        raise UserError(
            what,
            where=str(file),
            got=_named(siblings),
            todo=todo,
        )
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            "the recipe cannot be read",
            where=str(file),
            got=str(error),
            wanted="a text file in UTF-8",
        ) from error


def _named(recipes: list[str]) -> str:
    more = ""
    if len(recipes) > MOST_NAMED:
        more = f" and {len(recipes) - MOST_NAMED} more"
    if recipes:
        return f"recipes there: {', '.join(recipes[:MOST_NAMED])}{more}"
    return "no recipe in that folder"


def parse_recipe(text: str, where: str) -> Recipe:
    """A recipe from YAML text; see `parse_as`."""
    return parse_as(Recipe, text, where)


def parse_as(model: type[M], text: str, where: str) -> M:
    """A recipe of some kind from YAML text.

    Raises:
        UserError: naming every wrong key, what was found, what is allowed, and the nearest valid
            name.
    """
    return checked(model, load_yaml(text, where), where)


def checked(model: type[M], value: Any, where: str) -> M:
    """A recipe of some kind from the values that YAML holds.

    Raises:
        UserError: as `parse_as`.
    """
    if not isinstance(value, dict):
        needed = [f"`{name}:`" for name, field in model.model_fields.items() if field.is_required()]
        raise UserError(
            "the recipe is not a list of keys",
            where=where,
            got=_shown(value),
            wanted=f"at least {', '.join(needed[:-1])} and {needed[-1]}",
        )
    found, items = _tried(model, value)
    if found is None:
        raise _explain(items, where, model)
    return found


def tried(model: type[M], value: dict[str, Any]) -> tuple[M | None, dict[tuple[Any, ...], str]]:
    """Settings from values; none if some are wrong, with what is wrong by the path of its key,
    which is empty for what is wrong with all together.
    """
    found, items = _tried(model, value)
    return found, {
        tuple(_walk(list(item["loc"]), model)[0]): _wrong(item, model)
        for item in items
        if not _is_echo(item, items)
    }


def _tried(model: type[M], value: dict[str, Any]) -> tuple[M | None, list[dict[str, Any]]]:
    truths = truths_for_numbers(model, value)
    try:
        found = model.model_validate(value)
    except ValidationError as error:
        own = {item["loc"] for item in truths}
        others = [dict(item) for item in error.errors(include_url=False) if item["loc"] not in own]
        return None, others + truths
    return (None, truths) if truths else (found, [])


def _explain(items: list[dict[str, Any]], where: str, root: type[BaseModel]) -> UserError:
    # Unknown keys first: a misspelt key explains what is missing.
    items.sort(key=lambda item: item["type"] != "extra_forbidden")
    problems = list(
        dict.fromkeys(_problem(item, root) for item in items if not _is_echo(item, items))
    )
    shown = problems[:MOST_SHOWN]
    if len(problems) > MOST_SHOWN:
        shown.append(f"and {len(problems) - MOST_SHOWN} more")
    count = f"{len(problems)} invalid setting{'s' * (len(problems) > 1)}"
    return UserError(
        f"{count} in the recipe",
        where=where,
        got="\n       ".join(shown),
        todo="correct the keys named; data/recipes/ has complete examples, recipe.schema.json "
        "lists all keys",
    )


def _is_echo(item: dict[str, Any], items: list[dict[str, Any]]) -> bool:
    """Whether a list is only called too short because an entry of it is wrong."""
    depth = len(item["loc"])
    return item["type"] == "too_short" and any(
        len(other["loc"]) > depth and other["loc"][:depth] == item["loc"] for other in items
    )


def _problem(item: dict[str, Any], root: type[BaseModel]) -> str:
    names, _ = _walk(list(item["loc"]), root)
    steps = (f"[{name}]" if isinstance(name, int) else f".{name}" for name in names)
    key = "".join(steps).lstrip(".")
    return f"{key}: {_wrong(item, root)}" if key else _wrong(item, root)


def _wrong(item: dict[str, Any], root: type[BaseModel]) -> str:
    kind, found = item["type"], item.get("input")
    if kind == "extra_forbidden":
        near = _nearest(str(item["loc"][-1]), allowed_keys(list(item["loc"][:-1]), root))
        return f"no such key; {near}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _wrong_tag(item, root)
    if kind == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    said = {"missing": "missing; it has no default", "too_short": "needs at least one entry"}
    return said.get(kind) or f"{_message(str(item['msg']))}, found {_shown(found)}"


TAGS = {
    "kind": "degrader",
    "op": "op",
    "shape": "kernel",
    "arch": "network",
    "loss": "loss",
    "method": "method",
}
"""The keys that say what an entry is."""


def _wrong_tag(item: dict[str, Any], root: type[BaseModel]) -> str:
    discriminator = str(item["ctx"]["discriminator"]).strip("'")
    models = (
        model for model in _walk(list(item["loc"]), root)[1] if discriminator in model.model_fields
    )
    tags = sorted({tag for model in models if (tag := _tag(model))})
    if item["type"] == "union_tag_not_found":
        return f"no `{discriminator}:`; {_nearest('', tags)}"
    tag, keys = (
        str(item["ctx"]["tag"]),
        [key for key in _walk(list(item["loc"]), root)[0] if isinstance(key, str)],
    )
    if root is Recipe or discriminator != "kind":
        noun = TAGS.get(discriminator, discriminator)
    else:
        noun = keys[-1]
    return f"no {noun} is called {_shown(tag)}; {_nearest(tag, tags)}"


def _nearest(word: str, names: list[str]) -> str:
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]}?"
    return f"allowed: {', '.join(names)}"


def _message(text: str) -> str:
    text = re.sub(r"^(Input|String) should", "should", text).replace("valid tuple", "list")
    text = re.sub(r"should be a valid dictionary.*", "should be a table, `key: value`", text)
    return re.sub(r", unable to parse string as an? \w+", "", text)


def allowed_keys(path: list[Any], root: type[BaseModel] = Recipe) -> list[str]:
    """Names of the keys that a recipe may have at a place of an error."""
    _, models = _walk(path, root)
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def _walk(path: list[Any], root: type[BaseModel]) -> tuple[list[Any], list[type[BaseModel]]]:
    """The keys on the way to the place of an error, and the models that may stand there.

    pydantic also puts the names of chosen arms of unions on the way: kinds of degraders, ops, "a
    range".
    """
    names: list[Any] = []
    models: list[type[BaseModel]] = [root]
    for part in path:
        if tagged := [model for model in models if _tag(model) == part]:
            models = tagged
        elif isinstance(part, int) or (
            part.isidentifier() and part not in ("float", "int", "str", "bool")
        ):
            names.append(part)
            fields = [model.model_fields[part] for model in models if part in model.model_fields]
            if fields:
                models = [inner for field in fields for inner in _models_in(field.annotation)]
    return names, models


def _tag(model: type[BaseModel]) -> str | None:
    if model is OneOf:
        return "one of"
    key = next((key for key in TAGS if key in model.model_fields), None)
    if key:
        return str(model.model_fields[key].default)
    return None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            return [annotation]
        return []
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def recipe_schema(model: type[BaseModel] = Recipe) -> str:
    """JSON Schema of the recipe, for editors."""
    schema = model.model_json_schema()
    return (
        json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2)
        + "\n"
    )


def new_recipe(
    name: str, folder: str, scale: int, tile: int = 256, patch: int = 64, factor: int = 2
) -> str:
    """YAML of a recipe for a folder of real photos, with what is most often changed.

    Args:
        name: Name of the corpus.
        folder: Where the photos are.
        scale: HR side over LR side.
        tile: Side of an HR tile, in pixels; made a multiple of the scale.
        patch: Side of a noise patch, in pixels.
        factor: How far photos are downscaled to make HR.
    """
    size = tile // scale * scale
    return f"""name: {name}
scale: {scale}                 # HR side over LR side: 2, 3, 4 or 8
seed: 0
images:
  real: [{json.dumps(folder)}]       # the photos that LR should look like
  # clean: [...]          # optional clean HR photographs
clean_up: {{factor: {factor}}}     # HR is made from real photos by downscaling them
tiles: {{size: {size}}}        # HR pixels, a multiple of the scale
noise: {{patch: {patch}}}        # side of the flat areas that noise is mined from
degraders:
  - {{kind: realsr, weight: 1.0}}
splits: {{train: 0.9, val: 0.1}}
curation: {{}}              # near-duplicates go into one split; benchmarks: FOLDER rejects images that show its pictures
"""  # noqa: E501
