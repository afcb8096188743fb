"""Build the site: all pages of docs/, and what of the repository they link to, into build/site.

Run `make docs`. Pages are written for whoever reads them in the repository; here they are laid out
anew, links and all: every link leads to a page of the site, or the build fails. Pages stand in the
order in which the index of their kind names them; one that no index names fails the build too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "docs/site/zensical.toml"
ASSETS = ROOT / "docs/site/assets"
FRONT = PurePosixPath("docs/index.md")
PROJECT = {
    "README.md": "Read me",
    "ARCHITECTURE.md": "Architecture",
    "CONTRIBUTING.md": "Contributing",
    "CHANGELOG.md": "Changes",
    "examples/README.md": "Examples",
    "findings/README.md": "Findings",
}
"""Pages about the project itself, and what the navigation calls them."""
PICTURES = (".png", ".svg", ".jpg", ".webp", ".gif")
LANGUAGES = {
    ".py": "python",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".toml": "toml",
    ".sh": "bash",
    ".css": "css",
    ".js": "javascript",
    ".md": "markdown",
}
MOST = 200_000
"""Bytes of a file that is shown on a page; a longer one is copied as it is."""
CODE = re.compile(r"(^ *```.*?^ *```|`[^`\n]*`)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(\]\(|\b(?:src|href)=\")([^)\s\"]+)")
PICTURE = re.compile(r"^(!\[[^\]]*\]\(([^)\s]+)\))$", re.MULTILINE)
"""A picture that is a paragraph of its own."""
STRIPS = ("ops", "degraders")
"""Folders whose pages have pictures of pixels."""
SETTINGS = re.compile(r"^\|[^|\n]+\| values \| default \| meaning \|\n(?:\|.*\n)+", re.MULTILINE)
"""A table of settings, as docs/generate/tables.py makes them."""
TABLE = re.compile(r"^\|.*\n\|[-:| ]+\n(?:\|.*\n)+", re.MULTILINE)
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
SHIM = "https://unpkg.com/iframe-worker/shim"
"""What Zensical's search loads where pages are opened from a folder."""
LOADED = re.compile(
    r"<(?:script|img|link|iframe|source)\b[^>]*?\b(?:src|href)=\"((?:https?:)?//[^\"]+)\"|"
    r"class=\"(?:[^\"]* )?(mermaid|glightbox)\b"
)
"""What a browser would fetch from elsewhere; diagrams too, whose program is fetched."""
Link = Callable[[str], str]


class Site:
    """Pages on their way from the repository to the sources of the site.

    Args:
        sources: Folder that gets the sources.
    """

    def __init__(self, sources: Path) -> None:
        self.sources = sources
        self.done = dict[PurePosixPath, PurePosixPath]()
        self.linked = dict[PurePosixPath, list[PurePosixPath]]()

    def page(self, path: PurePosixPath) -> PurePosixPath:
        """Lay out a file or folder of the repository, and all that it links to.

        Returns:
            Where it stands in the sources.
        """
        if path not in self.done:
            self.done[path] = place = place_of(path)
            target = self.sources / place
            target.parent.mkdir(parents=True, exist_ok=True)
            if (text := self._text(path, place)) is None:
                shutil.copyfile(ROOT / path, target)
            else:
                target.write_text(text, "utf-8")
        return self.done[path]

    def _text(self, path: PurePosixPath, place: PurePosixPath) -> str | None:
        """What stands on the page of a file; none if it is copied as it is."""
        file = ROOT / path
        if file.is_dir():
            return self._listing(path, place)
        if place.suffix != ".md":
            return None
        text = file.read_text("utf-8")
        if path.suffix == ".md":
            return arranged(rewritten(text, lambda link: self._leads(path, place, link)), path)
        return UNSEARCHED + f"# {path.name}\n\n`{path}`\n\n{fenced(text, path.suffix)}\n"

    def _listing(self, folder: PurePosixPath, place: PurePosixPath) -> str:
        names = sorted(one.name for one in (ROOT / folder).iterdir() if one.name[0] not in "._")
        rows = [f"- [{name}]({self._leads(folder / '-', place, name)})" for name in names]
        return UNSEARCHED + f"# {folder}\n\n" + "\n".join(rows) + "\n"

    def _leads(self, path: PurePosixPath, place: PurePosixPath, link: str) -> str:
        """A link of the page at `path`, from where that page stands on the site."""
        if "://" in link or link.startswith(("mailto:", "#")):
            return link
        name, mark, heading = link.partition("#")
        target = PurePosixPath(os.path.normpath(path.parent / name))
        if target.parts[0] == ".." or not (ROOT / target).exists():
            raise SystemExit(f"{path}: the link {link} leads nowhere")
        if (ROOT / target / "README.md").is_file():
            target /= "README.md"
        self.linked.setdefault(path, []).append(target)
        return os.path.relpath(self.page(target), place.parent) + mark + heading


UNSEARCHED = "---\nsearch:\n  exclude: true\n---\n\n"
"""How pages begin that are not for the search: files as they are."""


BARE = "---\nhide:\n  - navigation\n  - toc\n---\n\n"
"""How the front page begins: it has no columns at its sides."""


def place_of(path: PurePosixPath) -> PurePosixPath:
    """Where a file of the repository stands among the sources."""
    if path.parts[0] == "docs" and path.suffix in (".md", *PICTURES):
        path = path.relative_to("docs")
        return path.with_name("index.md") if path.name == "README.md" else path
    if str(path) in PROJECT:
        name = path.parent.name or path.stem.lower()
        return PurePosixPath("project") / f"{name}.md"
    if path.parts[:2] == ("benchmarks", "results") and path.suffix == ".md":
        return PurePosixPath("measurements") / path.name.replace("README", "index")
    place = PurePosixPath("files") / path
    if (ROOT / path).is_dir():
        return place / "index.md"
    shown = path.suffix not in PICTURES and (ROOT / path).stat().st_size <= MOST
    return place.with_name(f"{path.name}.md") if shown and path.suffix != ".md" else place


def arranged(text: str, path: PurePosixPath) -> str:
    """Markdown whose pictures and tables of settings the style sheet can tell from others."""
    kind = "strip" if path.parent.name in STRIPS else "picture"
    if path == FRONT:
        text = BARE + TABLE.sub(r'<div class="cards" markdown>\n\n\g<0>\n</div>\n', text)
    text = PICTURE.sub(rf'<div class="{kind}" markdown>\n\n[\1](\2)\n\n</div>', text)
    return SETTINGS.sub(r'<div class="settings" markdown>\n\n\g<0>\n</div>\n', text)


def rewritten(text: str, link: Link) -> str:
    """Markdown with other links; code stays as it is."""
    parts = CODE.split(text)
    parts[::2] = [
        LINK.sub(lambda found: found.group(1) + link(found.group(2)), part) for part in parts[::2]
    ]
    return "".join(parts)


def fenced(text: str, suffix: str) -> str:
    """Text as code."""
    fence = "```" + "`" * max((len(run) for run in re.findall(r"```+", text)), default=0)
    return f"{fence}{LANGUAGES.get(suffix, 'text')}\n{text.rstrip()}\n{fence}"


def navigation(site: Site) -> Iterator[tuple[str, list[object]]]:
    """Kinds of pages, each with its pages in the order of its index.

    Raises:
        SystemExit: if no index names a page.
    """
    kinds = [one for one in site.linked[FRONT] if one.name == "index.md"]
    for index in dict.fromkeys(kinds):
        yield title_of(index), below(site, index)


def below(site: Site, index: PurePosixPath) -> list[object]:
    """The pages that an index names, under its folder; with pages of their own, if indices."""
    found: list[object] = [str(site.done[index])]
    for path in dict.fromkeys(site.linked.get(index, ())):
        if path != index and index.parent in path.parents and path.suffix == ".md":
            inner = below(site, path) if path.name in ("README.md", "index.md") else []
            found.append({title_of(path): inner or str(site.done[path])})
    return found


def title_of(path: PurePosixPath) -> str:
    """The first heading of a page."""
    if (found := TITLE.search((ROOT / path).read_text("utf-8"))) is None:
        raise SystemExit(f"{path}: no heading")
    return found.group(1).replace("`", "")


def measurements(site: Site) -> list[object]:
    """Pages of what was measured."""
    found = sorted((ROOT / "benchmarks/results").glob("*.md"))
    paths = [PurePosixPath(one.relative_to(ROOT)) for one in found]
    paths.sort(key=lambda path: path.name != "README.md")  # the index first
    return [
        str(site.page(path)) if path.name == "README.md" else {title_of(path): str(site.page(path))}
        for path in paths
    ]


def toml(value: object) -> str:
    """Lists, tables and text as TOML has them."""
    if isinstance(value, dict):
        rows = (f'"{name}" = {toml(one)}' for name, one in value.items())
        return "{" + ", ".join(rows) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def lay_out(build: Path) -> Path:
    """Write the sources of the site, and its settings.

    Args:
        build: Folder that gets both; what was there goes.

    Returns:
        The file of settings.

    Raises:
        SystemExit: if a link leads nowhere, or no index names a page.
    """
    shutil.rmtree(build / "pages", ignore_errors=True)
    site = Site(build / "pages")
    front = site.page(FRONT)
    nav: list[object] = [{"Start": str(front)}, *({name: kind} for name, kind in navigation(site))]
    if measured := measurements(site):
        nav.append({"Measurements": measured})
    about = [{name: str(site.page(PurePosixPath(path)))} for path, name in PROJECT.items()]
    nav.append({"Project": about})
    _check_all_are_named(site)
    shutil.copytree(ASSETS, site.sources / "assets", dirs_exist_ok=True)
    settings = build / "zensical.toml"
    settings.write_text(CONFIG.read_text("utf-8").replace('"NAVIGATION"', toml(nav)), "utf-8")
    return settings


def _check_all_are_named(site: Site) -> None:
    kinds = {path.parent for path in site.linked[FRONT] if path.name == "index.md"}
    pages = {
        PurePosixPath(page.relative_to(ROOT))
        for kind in kinds
        for page in (ROOT / kind).rglob("*.md")
    }
    if lost := sorted(map(str, pages - site.done.keys())):
        raise SystemExit(f"no index names {', '.join(lost)}: nobody would find these pages")


def self_contained(html: str, page: Path) -> str:
    """A page that loads nothing from elsewhere: the one script that does lies among the assets.

    Raises:
        SystemExit: if it loads anything else.
    """
    top = page.parents[0]
    while not (top / "search.json").exists():
        top = top.parent
    local = os.path.relpath(top / "assets/iframe-worker.js", page.parent)
    html = html.replace(f'"{SHIM}"', f'"{local}"')
    if found := LOADED.search(html):
        raise SystemExit(
            f"{page}: loads {found.group(1) or found.group(2)}, which is not on the site"
        )
    return html


def build(folder: Path) -> None:
    """Lay out the pages and build the site of them, in `site` of a folder.

    Raises:
        SystemExit: at a link that leads nowhere, a page that no index names, a warning of Zensical,
            and whatever would be loaded from elsewhere.
    """
    settings = lay_out(folder)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    done = subprocess.run(
        [*command, "--config-file", settings.name],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}")
    for page in sorted((folder / "site").rglob("*.html")):
        page.write_text(self_contained(page.read_text("utf-8"), page), "utf-8")


def main() -> None:
    """Build the site."""
    build(ROOT / "build")
    sys.stderr.write(f"the site: {ROOT / 'build/site/index.html'}\n")


if __name__ == "__main__":
    main()
