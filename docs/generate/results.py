"""The table of results in the README, from `benchmarks/results/real_cameras.json`.

`make docs` writes it; alone it is `python -m docs.generate.results`.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MEASURED = ROOT / "benchmarks/results/real_cameras.json"
BEGIN, END = "<!-- results: written by `make docs` -->\n", "<!-- end of results -->\n"
WAYS = {
    "bicubic": "bicubic downscaling",
    "bsrgan": "BSRGAN's degradations",
    "realesrgan": "Real-ESRGAN's degradations",
    "realsr": "**your own photographs (`realsr`)**",
    "aligned": "real pairs of the same camera, which you seldom have",
}
CONTROL = "bicubic"


def rows(document: dict[str, Any]) -> str:
    """The table: mean PSNR by way over scenes, gains over bicubic pairs and their intervals."""
    measured = {cells[0]: cells[1:] for cells in map(_cells, document["table"][2:])}
    lines = ["| network trained on pairs by | PSNR | over bicubic | 95 % interval |"]
    lines.append("|---|--:|--:|---|")
    for way, words in WAYS.items():
        psnr = mean(mean(seeds) for seeds in document["psnr_y"][way].values())
        told, gain, interval = measured[way]
        if told != f"{psnr:.2f}":
            raise ValueError(f"{way}: {told} dB in the table, {psnr:.2f} of the scenes' scores")
        strong = "**" if way == "realsr" else ""
        lines.append(
            f"| {words} | {strong}{told}{strong} "
            f"| {strong}{gain.replace('-', chr(0x2212))}{strong} "
            f"| {interval.replace('-', chr(0x2212)) if way != CONTROL else ''} |"
        )
    return "\n".join(lines) + "\n"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def page() -> str:
    """The README with the table of now."""
    before, rest = README.read_text("utf-8").split(BEGIN)
    document = json.loads(MEASURED.read_text("utf-8"))
    return before + BEGIN + "\n" + rows(document) + "\n" + END + rest.split(END)[1]


def main() -> None:
    """Write the table."""
    README.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
