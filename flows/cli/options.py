"""Options that several commands share."""

from __future__ import annotations

import math
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from pairmill.schemas.base import Frozen

M = TypeVar("M", bound="Frozen")
with_prefect: ContextVar[bool] = ContextVar("with_prefect", default=True)
"""Whether runs go into Prefect's history."""


def _choose(without: bool) -> bool:
    with_prefect.set(not without)
    return without


Workspace = Annotated[
    str, typer.Option("--workspace", help="Folder or fsspec URL for stages and corpora.")
]
Engine = Annotated[
    str,
    typer.Option("--engine", help="`local`, or a Dask scheduler: tcp://host:port."),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Local worker processes; by default one per processor."),
]
Device = Annotated[
    str, typer.Option("--device", help="Where kernels and fits are computed: cpu, cuda or auto.")
]
NoPrefect = Annotated[
    bool,
    typer.Option(
        "--no-prefect",
        help="Start no Prefect server; the run is not in its history.",
        callback=_choose,
    ),
]
"""Sets `with_prefect`, which is asked where the run starts."""
Corpus = Annotated[
    str, typer.Argument(help="NAME for the newest version, NAME@VERSION or NAME@TAG.")
]


SLOW = 3.0
"""Times as long as float32 from which a precision is warned of."""


def warn_of_slow_precision(precision: str, device: str) -> None:
    """Say so before hours are spent, where a lower precision is slower on this processor.

    Raises:
        UserError: if there is no such device.
    """
    from pairmill.flows import terminal  # late: --help does without
    from pairmill.models.device import slowdown

    times = slowdown(precision, device)
    if times > SLOW:
        terminal.warning(
            f"{precision} takes about {times:.0f} times as long as float32 here: this processor "
            "has no units for it; float32 is faster"
        )


def check_number(option: str, value: float | None, least: float, wanted: str) -> None:
    """Whether an option is a number, and not too small; none is not given.

    Raises:
        UserError: if it is less, infinite or no number (nan, which ranges of the command line let
            through).
    """
    from pairmill.schemas.errors import UserError

    if value is not None and not (math.isfinite(value) and value >= least):
        raise UserError(
            f"{option} has an invalid value",
            where=option,
            got=f"{value:g}",
            wanted=wanted,
            todo="see --help",
        )


def checked_options(model: type[M], options: dict[str, Any]) -> M:
    """Options of a command as settings.

    Raises:
        UserError: if one is out of bounds.
    """
    from pydantic import ValidationError  # late: --help does without

    from pairmill.schemas.errors import UserError

    try:
        return model.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        name = f"--{first['loc'][0]}"
        raise UserError(
            f"{name} has an invalid value",
            where=name,
            got=str(first["input"]),
            wanted=first["msg"],
            todo="see --help",
        ) from error
