"""Write docs/reference/networks.md: the networks, from their settings, weights and notes.

`make docs` runs it; alone it is `python -m docs.generate.networks`.
"""

from __future__ import annotations

from docs.generate.sections import REFERENCE, notes
from docs.generate.sentences import laid_out
from docs.generate.tables import described, table
from pairmill.pipeline.evaluate.known import all_known
from pairmill.schemas.base import Frozen
from pairmill.schemas.network import NETWORK_CONFIGS

HEAD = """# Networks

What `network: {arch: NAME}` of a [training recipe](training-recipe.md) may name; every setting is
[below](#settings). Parameters are those at scale 4 (or the largest) for three
colours, with the published settings, which are the defaults. dB are PSNR-Y on Set5 at scale 4, and
G or T the operations (one multiplication and one addition) for a result of 1280 x 720, both as
published, of networks trained on bicubic LR: on a corpus of real degradations the order may be
another. Files of other programs are in [trainer.md](../how-to/trainer.md#files-of-other-programs);
`pairmill networks FILE` says what a file is. Written by `make docs`.

| network | what it is | parameters | scales | good for |
|---|---|--:|---|---|
"""
SETTINGS = """
## Settings

Settings of `network` in a training recipe, and of `sr` in those of learned degradations.
"""


def page() -> str:
    """The page."""
    good_for = notes("networks")
    rows = [
        f"| `{one.arch}` | {one.about} | {one.parameters:,} | {', '.join(map(str, one.scales))} "
        f"| {' '.join(good_for.get(one.arch, '').split())} |\n"
        for one in all_known()
    ]
    settings = [_settings(NETWORK_CONFIGS[one.arch]) for one in all_known()]
    return laid_out("".join([HEAD, *rows, SETTINGS, *settings]))


def _settings(config: type[Frozen]) -> str:
    """The settings of one network."""
    schema = config.model_json_schema()
    rows = table(schema, schema, ("arch",), lambda _name, _part: "[network](#settings)")
    if not schema["properties"].keys() - {"arch"}:
        rows = "It has no settings."
    return f"\n### {config.model_fields['arch'].default}\n\n{described(schema)}\n\n{rows}\n"


def main() -> None:
    """Write the page."""
    (REFERENCE / "networks.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
