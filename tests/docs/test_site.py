"""The site: every page is on it, every link leads to a page of it, and it loads nothing from
elsewhere."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from docs.generate import site
from tests.support.paths import ROOT


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """Zensical's strict mode fails at links and anchors that lead nowhere."""
    site.build(tmp_path)
    made = {page.relative_to(tmp_path / "site") for page in tmp_path.rglob("site/**/*.html")}
    kinds = ("tutorials", "how-to", "reference", "explanation")
    pages = [ROOT / "docs/index.md", *(p for k in kinds for p in (ROOT / "docs" / k).rglob("*.md"))]
    for page in pages:
        place = site.place_of(PurePosixPath(page.relative_to(ROOT)))
        assert Path(place.with_suffix(".html")) in made, page
    for name in ("architecture", "contributing", "changelog"):
        assert Path(f"project/{name}.html") in made
    assert "recipe.html" in (tmp_path / "site/reference/index.html").read_text("utf-8")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small one, with an index, a how-to, a recipe and a program."""
    root = tmp_path / "repository"
    for name, text in {
        "docs/index.md": "# Home\n\n[how](how-to/index.md)\n",
        "docs/how-to/index.md": "# How-to\n\n[a](a.md) `[b](code.md)`\n",
        "docs/how-to/a.md": "# A\n\n[r](../../data/r.yaml) [d](../../data) [i](../index.md#home)\n",
        "data/r.yaml": "name: phone\n",
        "benchmarks/results/speed.md": "# Speed\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    monkeypatch.setattr(site, "ROOT", root)
    monkeypatch.setattr(site, "PROJECT", {})
    return root


def test_links_out_of_docs_lead_to_pages(repository: Path, tmp_path: Path) -> None:
    settings = site.lay_out(tmp_path).read_text("utf-8")
    page = (tmp_path / "pages/how-to/a.md").read_text("utf-8")
    assert (
        page
        == "# A\n\n[r](../files/data/r.yaml.md) [d](../files/data/index.md) [i](../index.md#home)\n"
    )
    assert "```yaml\nname: phone\n```" in (tmp_path / "pages/files/data/r.yaml.md").read_text(
        "utf-8"
    )
    assert "`[b](code.md)`" in (tmp_path / "pages/how-to/index.md").read_text("utf-8")
    how_to = '{"How-to" = ["how-to/index.md", {"A" = "how-to/a.md"}]}'
    measured = '{"Measurements" = [{"Speed" = "measurements/speed.md"}]}'
    assert f'[{{"Start" = "index.md"}}, {how_to}, {measured}, ' in settings


def test_a_link_that_leads_nowhere_fails(repository: Path, tmp_path: Path) -> None:
    (repository / "docs/how-to/a.md").write_text("# A\n\n[gone](../../gone.md)\n", "utf-8")
    with pytest.raises(SystemExit, match=r"a\.md: the link \.\./\.\./gone\.md leads nowhere"):
        site.lay_out(tmp_path)


def test_a_page_that_no_index_names_fails(repository: Path, tmp_path: Path) -> None:
    (repository / "docs/how-to/lost.md").write_text("# Lost\n", "utf-8")
    with pytest.raises(SystemExit, match=r"no index names docs/how-to/lost\.md"):
        site.lay_out(tmp_path)


@pytest.mark.parametrize(
    "html",
    [
        '<script defer src="https://unpkg.com/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example.org/css">',
        '<img alt="" src="http://example.org/a.png">',
        '<pre class="mermaid"><code>',
    ],
)
def test_a_page_that_loads_from_elsewhere_fails(html: str, tmp_path: Path) -> None:
    (tmp_path / "search.json").touch()
    with pytest.raises(SystemExit, match="which is not on the site"):
        site.self_contained(html, tmp_path / "page.html")


def test_links_for_people_may_lead_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "search.json").touch()
    html = f'<a href="https://example.org">x</a><script src="{site.SHIM}"></script>'
    local = '<a href="https://example.org">x</a><script src="../assets/iframe-worker.js"></script>'
    assert site.self_contained(html, tmp_path / "how-to/page.html") == local


def test_tables_of_settings_and_pictures_are_marked() -> None:
    table = "| key | values | default | meaning |\n|---|---|---|---|\n| a | b | c | d |\n"
    path = PurePosixPath("docs/reference/ops/x.md")
    picture = "[![x](img/x.png)](img/x.png)"
    assert site.arranged(f"![x](img/x.png)\n\n{table}", path) == (
        f'<div class="strip" markdown>\n\n{picture}\n\n</div>\n\n'
        f'<div class="settings" markdown>\n\n{table}\n</div>\n'
    )
    other = "| a | b |\n|---|---|\n| ![x](img/x.png) | c |\n"
    assert site.arranged(other, path) == other
