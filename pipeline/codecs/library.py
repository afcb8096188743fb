"""Import a codec's library when it is needed, and say clearly when it is missing."""

from __future__ import annotations

import importlib
from typing import Any

from pairmill.schemas.errors import UserError


def library(module: str, codec: str, package: str) -> Any:
    """The module that carries a codec.

    Args:
        module: Name of the module.
        codec: Name of the codec, for people.
        package: What pip calls the package.

    Raises:
        UserError: if the package is not installed or does not load.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"{codec} needs the package {package}.",
            where=f"a program with {codec}",
            got=str(error),
            wanted=f"{package}, in the version of constraints.txt",
            todo=f"pip install -c constraints.txt {package}, or take {codec} out of the recipe",
        ) from None
