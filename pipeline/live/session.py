"""What a live preview knows while it is open: the recipe, a few images, pools, and what was asked
last. It knows nothing of HTTP.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline import degraders
from pairmill.pipeline.degraders import Degrader
from pairmill.pipeline.live.form import as_json, panels
from pairmill.pipeline.live.parts import PARTS, part
from pairmill.pipeline.live.quick_realism import QuickRealism
from pairmill.pipeline.live.render import Bench, StaleError, draw
from pairmill.pipeline.live.save import save
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.pools.items import PoolItems
from pairmill.pipeline.preview.draws import OWN_HR
from pairmill.pipeline.preview.pool_items import (
    assets_of,
    pools_of,
    sealed_pools,
    with_placeholders,
)
from pairmill.pipeline.preview.preview import Request, overridden
from pairmill.pipeline.preview.sample_images import Scene, look
from pairmill.pipeline.recipe.load import tried
from pairmill.pipeline.rng import stream
from pairmill.pipeline.stages import ingest
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.bicubic import BicubicConfig
from pairmill.schemas.image import Role
from pairmill.schemas.live import (
    DrawRequest,
    LiveDegrader,
    LiveDraw,
    LiveImage,
    LiveRealism,
    LiveSaved,
    LiveStart,
    Problem,
    SaveRequest,
    SettingsRequest,
    TimedOp,
)
from pairmill.schemas.ops import Op, PooledOp
from pairmill.schemas.ops.blur import Blur, GaussianKernel
from pairmill.schemas.ops.resize import Quantise
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import Recipe

SCENES = 8
"""Images that are decoded at the start."""
SIDES = (256, 512)
"""Sides of the parts that can be looked at, beside the recipe's tile, in HR pixels."""
CLIENTS = 64
"""Pages that are remembered."""
BICUBIC = BicubicConfig()
Pixels = NDArray[np.uint8]


class WrongSettingsError(Exception):
    """Settings that no recipe may have."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(one.text for one in problems))
        self.problems = problems


@dataclass
class Session:
    """One recipe, looked at live. Its methods may be called from several threads."""

    request: Request
    """What to look at."""
    file: Path
    """The recipe's file."""
    storage: Storage
    """The workspace, which is only looked at."""

    def __post_init__(self) -> None:
        self.text = self.file.read_bytes().decode("utf-8")  # its lines end as they do
        self.recipe, base = overridden(self.request)
        files = ingest.find(self.recipe.images, base).files
        self.found = look(files, self.recipe, SCENES)
        self.scenes: list[Scene] = self.found.scenes
        self.photos = self.found.with_role(Role.REAL)
        self.realism_of = QuickRealism(self.recipe, files, self.scenes)
        self._bench = Bench()
        self._tiles: dict[tuple[int, ...], Pixels] = {}
        self._pools: dict[str, list[PoolItems]] = {}
        self._placeholders: dict[str, PoolItems] = {}
        self._newest: dict[tuple[str, str], int] = {}
        self._last: dict[int, dict[str, object]] = {}
        self._closed = threading.Event()
        self._bicubic: LiveRealism | None = None
        self._photos: LiveRealism | None = None
        # One picture at a time; a comparison takes seconds and must not keep pictures waiting.
        self._drawing, self._comparing = threading.Lock(), threading.Lock()
        self._finding, self._counting = threading.Lock(), threading.Lock()

    def warm(self) -> None:
        """Load what ops need, which takes seconds the first time."""
        kernel = GaussianKernel(size=3, sigma_x=1.0, sigma_y=1.0)
        program = Program(scale=1, ops=(Blur(kernel=kernel), Quantise()))
        apply(program, np.zeros((16, 16, 3), np.uint8), assets_of(()))

    def close(self) -> None:
        """Give up all that is under way, and all that will be asked."""
        self._closed.set()

    def start(self) -> LiveStart:
        """What a page needs to know when it opens."""
        tile = min(self.recipe.tiles.size, SIDES[-1])
        return LiveStart(
            recipe=self.file.name,
            corpus=self.recipe.name,
            scale=self.recipe.scale,
            degraders=tuple(map(self._described, self.recipe.degraders)),
            images=tuple(LiveImage(name=one.name, role=one.role) for one in self.scenes),
            photos=tuple(LiveImage(name=one.name, role=one.role) for one in self.photos),
            sides=tuple(dict.fromkeys((tile, *SIDES))),
            parts=PARTS,
            warnings=tuple(f"left out: {name}: {why}" for name, why in self.found.left_out),
        )

    def last(self) -> dict[int, dict[str, object]]:
        """The last settings of each degrader that something was drawn with, for a page that is
        opened again.
        """
        return dict(self._last)

    def _described(self, config: DegraderBase) -> LiveDegrader:
        about = (type(config).__doc__ or "").split("\n\n")[0]
        return LiveDegrader(
            label=config.label,
            kind=config.kind,
            about=" ".join(about.split()),
            settings=as_json(config),
            panels=() if config.own_hr else panels(config, self.recipe.scale),
            problem=OWN_HR if config.own_hr else "",
        )

    def hr(self, image: int, number: int, side: int) -> Pixels:
        """A part of an HR image, (H, W, 3); the same object whenever it is asked for.

        Raises:
            IndexError: if there is no such image.
        """
        scene = self.scenes[image]
        key = (image, number, side)
        if key not in self._tiles:
            if len(self._tiles) > 4 * SCENES:
                self._tiles.clear()
            tile = scene.tile.hr
            if number > 0 or side != max(tile.shape[:2]):
                tile = part(scene.hr, side, side, number, self.recipe.scale)
            self._tiles[key] = tile
        return self._tiles[key]

    def photo(self, image: int, number: int, side: int, beside: int) -> Pixels:
        """A part of one of the user's photos, as large as the LR of an HR part of image `beside`.

        Raises:
            IndexError: if there is no such photo or image.
        """
        rows, columns = (
            length // self.recipe.scale for length in self.hr(beside, 0, side).shape[:2]
        )
        return part(self.photos[image].source, rows, columns, number)

    def draw(self, asked: DrawRequest) -> tuple[Pixels, LiveDraw]:
        """The LR of a draw, (H, W, 3), and what was done.

        A draw depends on the recipe's seed, the degrader, its settings, the draw's number and the
        HR's size alone; it is the one that `pairmill preview` shows under that number.

        Raises:
            StaleError: if the same page has asked for something newer.
            WrongSettingsError: if the settings are not allowed.
            UserError: if the degrader cannot draw with them.
            IndexError: if there is no such degrader or image.
        """
        config, stale = self.config(asked), self._turn("draw", asked)
        hr = self.hr(asked.image, asked.part, asked.side)
        with _turn_of(self._drawing, stale):
            degrader, pools = self._degrader(config, asked.degrader)
            start = time.perf_counter()
            rng = stream(self.recipe.seed, "preview", config.label, asked.draw)
            program = draw(degrader, rng, (hr.shape[0], hr.shape[1]))
            drawing = time.perf_counter() - start
            lr, steps = self._bench.apply(program, hr, assets_of(pools), stale)
        self._last[asked.degrader] = dict(asked.settings)
        counts = {pool.digest: len(pool.items) for pool in pools}
        stand_ins = {pool.digest for pool in pools if not pool.sealed}
        ops = tuple(
            TimedOp(
                words=", ".join(op.words(counts) for op in one.step),
                milliseconds=1000 * one.seconds,
                kept=one.kept,
                stand_in=any(_pool_of(op) in stand_ins for op in one.step),
            )
            for one in steps
        )
        applied = sum(one.seconds for one in steps if not one.kept)
        notes = tuple(pool.note for pool in pools if not pool.sealed)
        return lr, LiveDraw(
            ops=ops,
            program=program.canonical_json(),
            drawing=1000 * drawing,
            applying=1000 * applied,
            notes=notes,
        )

    def realism(self, asked: SettingsRequest) -> LiveRealism:
        """How distinguishable LR of these settings is from the photos.

        Raises:
            StaleError, WrongSettingsError, UserError, IndexError: as `draw`.
        """
        config, stale = self.config(asked), self._turn("realism", asked)
        with _turn_of(self._comparing, stale):
            degrader, pools = self._degrader(config, asked.degrader)
            return self.realism_of.of(
                config.label, degrader, assets_of(pools), lambda: self._polite(stale)
            )

    def _polite(self, stale: Callable[[], bool]) -> bool:
        """Let a picture that is being made be finished first."""
        with self._drawing:
            return stale()

    def controls(self) -> tuple[LiveRealism, LiveRealism]:
        """What bicubic LR and the photos themselves come to; made once.

        Raises:
            StaleError: if the session is closed meanwhile.
        """
        closed = self._closed.is_set
        with self._comparing:
            if self._bicubic is None:
                bicubic = degraders.build(BICUBIC, self.recipe.scale, {})
                self._bicubic = self.realism_of.of("bicubic", bicubic, assets_of(()), closed)
        with self._comparing:  # between both, newer settings may have their turn
            if self._photos is None:
                self._photos = self.realism_of.control(closed)
        return self._bicubic, self._photos

    def save(self, asked: SaveRequest) -> LiveSaved:
        """Write a recipe with these settings beside the original.

        Raises:
            WrongSettingsError, UserError, IndexError: as `draw`, or what `save` raises.
        """
        config = self.config(asked)
        return save(self.file, self.text, asked.degrader, config, asked.name)

    def config(self, asked: SettingsRequest) -> DegraderBase:
        """Checked settings of a degrader of the recipe.

        Raises:
            WrongSettingsError: if they are not allowed.
            IndexError: if there is no such degrader.
        """
        before = self.recipe.degraders[asked.degrader]
        fixed = {name: getattr(before, name) for name in ("kind", "weight", "name")}
        found, wrong = tried(type(before), {**asked.settings, **fixed})
        if found is None:
            raise WrongSettingsError(
                tuple(Problem(path=path, text=text) for path, text in wrong.items())
            )
        problem = OWN_HR if found.own_hr else found.problem(self.recipe.scale)
        if problem:
            raise WrongSettingsError((Problem(path=(), text=problem),))
        return found

    def _degrader(self, config: DegraderBase, place: int) -> tuple[Degrader, list[PoolItems]]:
        with self._finding:
            pools = self._pools_of(config, place)
        return degraders.build(config, self.recipe.scale, pools_of(pools)), pools

    def _pools_of(self, config: DegraderBase, place: int) -> list[PoolItems]:
        """What the degrader draws from, sealed or placeholders; looked for once for all settings
        that draw from the same.
        """
        words = {k: v for k, v in as_json(config).items() if isinstance(v, str | bool)}
        key = repr((place, config.draws_from, config.needs, sorted(words.items())))
        if key not in self._pools:
            alone = self.recipe.model_copy(update={"degraders": (config,)})
            own = _with_degrader(self.request.recipe, place, config)
            sealed = sealed_pools(own, self.request.base, self.storage)
            # No placeholder depends on a degrader's settings, and mining one takes seconds.
            known = {**self._placeholders, **sealed}
            self._pools[key] = with_placeholders(alone, known, self.photos or self.scenes)
            for pool in self._pools[key]:
                if not pool.sealed:
                    self._placeholders[pool.kind] = pool
        return self._pools[key]

    def _turn(self, purpose: str, asked: SettingsRequest) -> Callable[[], bool]:
        """Note a request, and tell whether a newer one of the same page has come since."""
        key = (asked.client, purpose)
        with self._counting:
            newest = max(asked.sequence, self._newest.pop(key, 0))
            self._newest[key] = newest  # at the end
            while len(self._newest) > CLIENTS:
                del self._newest[next(iter(self._newest))]
        return lambda: self._closed.is_set() or self._newest.get(key, 0) > asked.sequence


def _with_degrader(recipe: Recipe, place: int, config: DegraderBase) -> Recipe:
    others = recipe.degraders
    found = (*others[:place], config, *others[place + 1 :])
    return recipe.model_copy(update={"degraders": found})


def _pool_of(op: Op) -> str:
    return op.pool if isinstance(op, PooledOp) else ""


@contextmanager
def _turn_of(lock: threading.Lock, stale: Callable[[], bool]) -> Iterator[None]:
    """Wait for a lock, and go away where a newer request has come meanwhile."""
    with lock:
        if stale():
            raise StaleError
        yield
