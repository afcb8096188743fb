"""Where a saved recipe comes, and how its lines end."""

from __future__ import annotations

from pathlib import Path

from pairmill.pipeline.live.save import save
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.schemas.degraders.bsrgan import BsrganConfig

RECIPE = """# mine
name: phone
scale: 2
images: {real: [real]}
degraders:
  - kind: bsrgan  # first
"""


def test_lines_end_as_they_did(tmp_path: Path) -> None:
    text = RECIPE.replace("\n", "\r\n")
    said = save(tmp_path / "mine.yaml", text, 0, BsrganConfig(noise=(1, 4)), "other")
    added = "  - kind: bsrgan  # first\r\n    noise: [1, 4]\r\n"
    assert (
        Path(said.path).read_bytes()
        == text.replace("  - kind: bsrgan  # first\r\n", added).encode()
    )
    assert said.comments


def test_beside_what_a_link_leads_to_since_its_images_are_looked_for_there(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    file, link = tmp_path / "project/mine.yaml", tmp_path / "mine.yaml"
    file.write_text(RECIPE)
    link.symlink_to(file)
    said = save(link, RECIPE, 0, BsrganConfig(noise=(1, 4)), "other")
    assert Path(said.path) == tmp_path.resolve() / "project/other.yaml"
    assert load_recipe(said.path)[1] == load_recipe(str(link))[1]
