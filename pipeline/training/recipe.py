"""Training recipes from YAML, small runs of them, and those that follow a build."""

from __future__ import annotations

from pathlib import Path

from pairmill.pipeline.recipe.load import load_as, recipe_schema
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.training import TrainConfig

TRIAL = 20
"""Steps of the training that follows a small build."""


def load_training(path: str, limit: int | None = None) -> tuple[TrainConfig, str]:
    """Read a training recipe.

    Args:
        path: YAML file.
        limit: most steps: a small run on the same path, under another name.

    Returns:
        The recipe, and the folder that its relative files start at.

    Raises:
        UserError: if the file is missing, is not YAML, or says something that it cannot say.
    """
    config, base = load_as(TrainConfig, path)
    return (config if limit is None else limited(config, limit)), base


def limited(config: TrainConfig, limit: int) -> TrainConfig:
    """The recipe of a small run."""
    return config.with_(name=f"{config.name}-limit{limit}", steps=min(limit, config.steps))


def following(recipe: Recipe, base: str) -> str:
    """Path of the training recipe that a corpus recipe asks for; empty if it asks for none.

    Raises:
        UserError: if it cannot be read, which is better told before the build.
    """
    if not recipe.train:
        return ""
    path = str(Path(base) / Path(recipe.train).expanduser())
    load_training(path)
    return path


def on_version(config: TrainConfig, manifest: CorpusManifest) -> TrainConfig:
    """The recipe for one version, under a name of its own: another version is another run.

    Raises:
        UserError: if the recipe wants a corpus for each of several scales.
    """
    if config.corpora:
        raise UserError(
            "this training wants a corpus for each of its scales",
            where=f"training recipe {config.name}",
            got=f"{manifest.identity.name}@{manifest.version} alone",
            wanted=", ".join(f"{scale}: {name}" for scale, name in config.corpora.items()),
            todo="build the others and run `pairmill train` without --corpus",
        )
    name = f"{config.name}-{manifest.version[:8]}"
    return config.with_(name=name, corpus=f"{manifest.identity.name}@{manifest.version}")


def training_schema() -> str:
    """JSON Schema of the training recipe, for editors."""
    return recipe_schema(TrainConfig)
