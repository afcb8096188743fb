"""Programs and sources in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from schemas.program import BicubicDown, Inject, PooledBlur, Program, Quantise, Subsample

ORDINALS = {2: "2nd", 3: "3rd"}


def program_words(program: Program, counts: dict[str, int]) -> tuple[str, ...]:
    """One phrase per op.

    Args:
        program: What to describe.
        counts: Items of each pool, by digest.
    """
    return tuple(WORDS.get(type(op), _other)(op, counts) for op in program.ops)


def _blur(op: PooledBlur, counts: dict[str, int]) -> str:
    of = f" of {counts[op.pool]}" if op.pool in counts else ""
    return f"kernel #{op.index}{of}"


def _subsample(op: Subsample, _: dict[str, int]) -> str:
    return f"every {ORDINALS.get(op.scale, f'{op.scale}th')} pixel"


def _bicubic(op: BicubicDown, _: dict[str, int]) -> str:
    return f"bicubic reduction by {op.scale}"


def _inject(op: Inject, _: dict[str, int]) -> str:
    rows = sorted({place.index for place in op.placements})
    some = ", ".join(f"#{row}" for row in rows[:4]) + (f" and {len(rows) - 4} more" if len(rows) > 4 else "")
    return f"noise patch{'es' if len(rows) > 1 else ''} {some} at strength {op.strength:.2f}"


def _quantise(_op: Quantise, _: dict[str, int]) -> str:
    return "rounded to 8 bits"


def _other(op: Any, _: dict[str, int]) -> str:
    fields = {name: value for name, value in op.model_dump(mode="json").items() if name != "op"}
    plain = [f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
             for name, value in fields.items() if isinstance(value, int | float) or _is_short(value)]  # fmt: skip
    return f"{op.op.replace('_', ' ')}{' (' + ', '.join(plain) + ')' if plain else ''}"


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 24


WORDS: dict[type, Callable[[Any, dict[str, int]], str]] = {
    PooledBlur: _blur,
    Subsample: _subsample,
    BicubicDown: _bicubic,
    Inject: _inject,
    Quantise: _quantise,
}


def file_name(url: str) -> str:
    """The last part of a path or URL; without the query, which may hold a secret."""
    path = url if "://" not in url else urlsplit(url).path
    return path.rstrip("/").rsplit("/", 1)[-1] or url


def plain(text: str) -> str:
    """Text that can be stored and shown: what is not UTF-8, controls and direction marks become escapes."""
    shown = text.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() or char == " " else f"\\x{ord(char):02x}" for char in shown)
