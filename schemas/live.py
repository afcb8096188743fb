"""What the live preview shows and is asked for: settings as sliders, draws, how real LR looks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from pairmill.schemas.base import Frozen
from pairmill.schemas.chain_fit import Path

MOST_NUMBER = 1_000_000
"""Largest number of a draw, an image, a part of one, or a request."""
LEAST_SIDE, MOST_SIDE = 16, 512
"""Sides of a part that can be looked at, in HR pixels."""
Place = Annotated[int, Field(ge=0, le=MOST_NUMBER)]


class Condition(Frozen):
    """A setting that another one must have for something to matter."""

    path: Path
    """Which setting."""
    value: str
    """What it must be."""


class Knob(Frozen):
    """One setting, as a page shows it."""

    path: Path
    """Where its value lies."""
    label: str
    """Its name, for people."""
    help: str
    """Its description, from the schema."""
    kind: Literal["number", "range", "choice", "switch"]
    """One number, two in order, one of some words, or true and false."""
    unit: str = ""
    """Unit of its numbers; empty if they have none."""
    low: float = 0.0
    """Left end of the slider, in the setting's unit."""
    high: float = 1.0
    """Right end of the slider; larger numbers may be typed if `most` allows them."""
    least: float | None = None
    """Smallest number that the schema allows; none if there is no such bound."""
    most: float | None = None
    """Largest number that the schema allows; none if there is no such bound."""
    step: float = 0.01
    """Distance between two places of the slider."""
    whole: bool = False
    """Whether only whole numbers do."""
    log: bool = False
    """Whether the slider is logarithmic."""
    choices: tuple[str | int | float, ...] = ()
    """What can be chosen from."""
    instead: Any = None
    """What the setting begins at where the recipe has none for it, which means that the degrader
    takes its published value; none for settings that always have a value."""
    when: Condition | None = None
    """What another setting must be for this one to matter."""


class Panel(Frozen):
    """Settings that belong together."""

    title: str
    """Where they stand in the recipe; empty for the degrader itself."""
    help: str
    """Its description, from the schema."""
    knobs: tuple[Knob, ...]
    """The settings."""
    when: Condition | None = None
    """What another setting must be for any of them to matter."""


class LiveDegrader(Frozen):
    """A degrader of the recipe."""

    label: str
    """What it is called."""
    kind: str
    """Which degrader."""
    about: str
    """What it is, in a sentence."""
    settings: dict[str, Any]
    """What the recipe says, with all defaults."""
    panels: tuple[Panel, ...]
    """Its settings as sliders."""
    problem: str = ""
    """Why nothing can be drawn from it, whatever its settings; empty if something can."""


class LiveImage(Frozen):
    """An image whose parts can be looked at."""

    name: str
    """File name."""
    role: str
    """`real` or `clean`."""


class LiveStart(Frozen):
    """What a page knows when it opens."""

    recipe: str
    """File name of the recipe."""
    corpus: str
    """Name of the corpus."""
    scale: int
    """HR side over LR side."""
    degraders: tuple[LiveDegrader, ...]
    """All degraders of the recipe."""
    images: tuple[LiveImage, ...]
    """Images that HR is cut from."""
    photos: tuple[LiveImage, ...]
    """The user's own photos."""
    sides: tuple[int, ...]
    """Sides of the part that can be looked at, in HR pixels, the recipe's tile first."""
    parts: int
    """Parts of an image that can be looked at, busiest first."""
    warnings: tuple[str, ...] = ()
    """What a user should know before looking."""


class Problem(Frozen):
    """What is wrong with one setting, or with all together."""

    path: Path
    """Which setting; empty for the whole."""
    text: str
    """What is wrong, and what would be right."""


class SettingsRequest(Frozen):
    """Settings of one degrader, as a page has them."""

    client: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,32}$")]
    """The page that asks."""
    sequence: Place
    """Number of the request: of one page's requests the newest is answered, older ones are
    dropped."""
    degrader: Place
    """Place of the degrader in the recipe."""
    settings: dict[str, Any]
    """All its settings."""


class DrawRequest(SettingsRequest):
    """A draw that is to be shown."""

    draw: Place
    """Number of the draw."""
    image: Place
    """Place of the image that HR is cut from."""
    part: Place
    """Which part of it."""
    side: int = Field(ge=LEAST_SIDE, le=MOST_SIDE)
    """Side of the part, in HR pixels."""


class SaveRequest(SettingsRequest):
    """Settings that are to become a recipe."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
    """Name of its file, with or without `.yaml`."""


class TimedOp(Frozen):
    """One op of a program, or a blur and the subsampling after it, which are one step."""

    words: str
    """What it does, in words."""
    milliseconds: float = Field(ge=0)
    """Time that it took when it was last carried out."""
    kept: bool
    """Whether its result was still there from an earlier draw that began in the same way."""
    stand_in: bool
    """Whether it draws on a pool that stands in for the one that a build would make."""


class LiveDraw(Frozen):
    """A draw beside the pixels of its LR."""

    ops: tuple[TimedOp, ...]
    """What was done, in order."""
    program: str
    """The program, as canonical JSON."""
    drawing: float
    """Milliseconds that drawing the program took."""
    applying: float
    """Milliseconds that its ops took, those not counted whose result was kept."""
    notes: tuple[str, ...]
    """What a build would draw from instead, where pools are placeholders."""


class LiveRealism(Frozen):
    """A quick look at how distinguishable LR is from the user's photos."""

    name: str
    """What was compared with them."""
    problem: str = ""
    """Why there is no number; empty if there is one."""
    verdict: str = ""
    """The verdict in a few words."""
    auc: float | None = None
    """AUC: 0.5 cannot be distinguished, 1 always."""
    interval: tuple[float, float] | None = None
    """95 % interval over a new choice of images."""
    images: int = 0
    """Images that took part."""
    patches: int = 0
    """Patches of either side."""
    telling: tuple[str, ...] = ()
    """What distinguishes best, in words."""
    seconds: float = 0.0
    """Time it took."""


class LiveSaved(Frozen):
    """A recipe that was written."""

    path: str
    """The file."""
    comments: bool
    """Whether the comments of the original are still there."""
    changed: tuple[str, ...]
    """Settings that differ from the original."""
