"""Run the cells of a notebook and keep what they give, without Jupyter.

    python -m docs.generate.notebook FOLDER [NOTEBOOK]

runs them in FOLDER, which has what the notebook asks for (examples/own_photos.ipynb: the folder
`photos` of examples/thirty_photos.py), and writes the outputs into the notebook: what is printed,
and the value of the last line, of images as PNG. Nothing is stored that depends on when and where.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[2] / "examples" / "own_photos.ipynb"
Cell = dict[str, Any]


def executed(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """A notebook with the outputs of its code cells, run in order in one namespace.

    Raises:
        Exception: whatever a cell raises.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    cells, count = list[Cell](), 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            cells.append(cell)
            continue
        count += 1
        outputs = run("".join(cell["source"]), names, count)
        cells.append({**cell, "execution_count": count, "outputs": outputs})
    return {**notebook, "cells": cells}


def run(source: str, names: dict[str, Any], count: int) -> list[Cell]:
    """Outputs of one cell."""
    tree, printed, value = ast.parse(source), io.StringIO(), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)  # noqa: S102
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307
    outputs = list[Cell]()
    if text := printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": lines(text)})
    if value is not None:
        outputs.append(
            {
                "output_type": "execute_result",
                "execution_count": count,
                "metadata": {},
                "data": shown(value),
            }
        )
    return outputs


def shown(value: object) -> dict[str, Any]:
    """A value by media type, as Jupyter would show it."""
    if (png := getattr(value, "_repr_png_", None)) is not None and (data := png()):
        text = f"<image of {' x '.join(map(str, value.size))}>"  # type: ignore[attr-defined]
        return {"image/png": base64.b64encode(data).decode("ascii"), "text/plain": [text]}
    return {"text/plain": lines(repr(value))}


def lines(text: str) -> list[str]:
    """Lines with their ends, as notebooks have them."""
    return text.splitlines(keepends=True)


def read(path: Path = NOTEBOOK) -> dict[str, Any]:
    """The notebook in a file."""
    return dict(json.loads(path.read_text("utf-8")))


def main(folder: str, target: str = str(NOTEBOOK)) -> None:
    """Run, and write the outputs."""
    path = Path(target).resolve()
    notebook = read(path)
    with contextlib.chdir(folder):
        done = executed(notebook)
    path.write_text(json.dumps(done, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
