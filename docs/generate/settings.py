"""Write docs/reference/recipe.md and training-recipe.md: every key, from the schemas.

`make docs` runs it; alone it is `python -m docs.generate.settings`.
"""

from __future__ import annotations

from docs.generate.anchors import anchor
from docs.generate.sections import NOTES, REFERENCE
from docs.generate.sentences import laid_out
from docs.generate.tables import Schema, described, references, table, tag_of
from pairmill.schemas.base import Frozen
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.network import NETWORK_CONFIGS
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.training import TrainConfig

LEARNED = ("pdm", "redegnet", "dsgan", "bulat", "cincgan", "cyclesr", "maeda")
"""Sections of a recipe whose settings training recipes take too."""


Known = tuple[str, str, str]
"""What the schema of a model is known by: its name, and what tells it from others."""


class Page:
    """One page: the keys of a model, then a section for each value with settings of its own."""

    def __init__(self, model: type[Frozen], elsewhere: dict[type[Frozen], str]) -> None:
        self.schema: Schema = model.model_json_schema()
        self.elsewhere = {_known(one.model_json_schema()): link for one, link in elsewhere.items()}
        self.heads = dict[str, str]()
        self._place("", self.schema)
        if len(set(self.heads.values())) < len(self.heads):
            raise ValueError(f"two sections of {model.__name__} have one heading: {self.heads}")

    def _place(self, path: str, part: Schema) -> None:
        """Give each model the heading of the first key that leads to it."""
        for key, field in part.get("properties", {}).items():
            named = [name for name in references(field) if self._stands_here(name)]
            for name in named:
                inner, head = self.schema["$defs"][name], f"{path}{key}"
                if name not in self.heads:
                    several = len(named) > 1
                    self.heads[name] = f"{head}: {tag_of(inner)[1]}" if several else head
                    self._place(f"{head}.", inner)

    def _stands_here(self, name: str) -> bool:
        part = self.schema["$defs"][name]
        return "properties" in part and _known(part) not in self.elsewhere

    def naming(self, name: str, part: Schema) -> str:
        """A link to where the settings of a model stand."""
        if (link := self.elsewhere.get(_known(part))) is not None:
            return link
        head = self.heads[name]
        return f"[{head.rpartition(': ')[2]}](#{anchor(head)})"

    def text(self, more: dict[str, str]) -> str:
        """All tables.

        Args:
            more: Sections that no model has, by the key of theirs.
        """
        parts = ["## Keys", self.table(self.schema)]
        sections: dict[str, list[str]] = {key: [] for key in self.schema["properties"]}
        for name, head in self.heads.items():
            part = self.schema["$defs"][name]
            depth = "##" + "#" * min(head.count("."), 2)
            key = head.partition(".")[0].partition(":")[0]
            sections[key] += [f"{depth} {head}", described(part), self.table(part)]
        for key, texts in sections.items():
            parts += [more[key]] if key in more else texts
        return "\n\n".join(parts) + "\n"

    def table(self, part: Schema) -> str:
        """The settings of one model."""
        return table(part, self.schema, naming=self.naming)


def _known(part: Schema) -> Known:
    return str(part["title"]), *tag_of(part)


def _head(name: str) -> str:
    """How a page begins: a note, and the example that lies beside it."""
    note, example = ((NOTES / f"{name}{end}").read_text("utf-8") for end in (".md", ".yaml"))
    return f"{note}\n```yaml\n{example}```\n\n"


def recipe_page() -> str:
    """The page of corpus recipes."""
    degraders: dict[type[Frozen], str] = dict.fromkeys(CONFIGS.values(), "[degrader](#degraders)")
    page = Page(Recipe, degraders | networks())
    return laid_out(_head("recipe") + page.text({"degraders": _degraders()}))


def _degraders() -> str:
    """What all degraders share, and where each is described."""
    base = DegraderBase.model_json_schema()
    kinds = ", ".join(f"[{kind}](degraders/{kind}.md)" for kind in CONFIGS)
    return (
        "## degraders\n\nA list of degraders; each sample draws one of them by weight, then a "
        "program from it.\nEvery degrader has these keys:\n\n"
        f"{table(base, base)}\n\n"
        f"The other keys are those of its kind, each with a page of its own: {kinds}."
    )


def training_page() -> str:
    """The page of training recipes."""
    learned: dict[type[Frozen], str] = {
        type(Recipe.model_fields[name].default): f"[{name}](recipe.md#{name})" for name in LEARNED
    }
    text = Page(TrainConfig, learned | networks()).text({})
    return laid_out(_head("training-recipe") + text)


def networks() -> dict[type[Frozen], str]:
    """Where the settings of networks stand."""
    return dict.fromkeys(NETWORK_CONFIGS.values(), "[network](networks.md#settings)")


def main() -> None:
    """Write both pages."""
    (REFERENCE / "recipe.md").write_text(recipe_page(), "utf-8")
    (REFERENCE / "training-recipe.md").write_text(training_page(), "utf-8")


if __name__ == "__main__":
    main()
