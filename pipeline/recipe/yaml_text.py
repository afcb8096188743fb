"""YAML as recipes are written in: no key stands twice, and what is no YAML is told with its
place.
"""

from __future__ import annotations

from typing import Any

import yaml

from pairmill.schemas.errors import UserError

MERGE = "tag:yaml.org,2002:merge"
TRUTH = "tag:yaml.org,2002:bool"


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as usual, but a key that stands twice is an error, and only true and false are truth
    values: `on`, `off`, `yes` and `no` are words, as in YAML 1.2. Settings that are true or false
    take them all the same.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 -- PyYAML's way to say it
        first: [(tag, rule) for tag, rule in rules if tag != TRUTH or first in "tTfF"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                # `<<: *anchor` is no key, and may stand beside keys that it would bring.
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} stands twice", key_node.start_mark
                )
            if isinstance(key, str | int):
                seen.add(key)
        return super().construct_mapping(node, deep)


def load_yaml(text: str, where: str) -> Any:
    """What a YAML text says; `where` is the file, for messages.

    Raises:
        UserError: if it is no YAML, or has no end.
    """
    place = where
    try:
        value = yaml.load(text, _Loader)  # noqa: S506 -- a safe loader
        _check_knots(value, set(), set())
        return value
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        if mark:
            place = f"{where}, line {mark.line + 1}, column {mark.column + 1}"
        else:
            place = where
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    except RecursionError:
        problem = "lists or tables that lie in one another too deep"
    except ValueError as error:  # a date that no calendar has, a number of thousands of digits
        problem = str(error).splitlines()[0]
    raise UserError(
        "the recipe is not valid YAML", where=place, got=problem, wanted="key: value lines"
    )


def _check_knots(value: Any, above: set[int], done: set[int]) -> None:
    """Refuse an alias inside what it stands for, which could be followed for ever; `done` spares
    what many aliases share.
    """
    if id(value) in above:
        raise ValueError("an alias that lies in what it stands for")
    if isinstance(value, dict | list) and id(value) not in done:
        for part in value.values() if isinstance(value, dict) else value:
            _check_knots(part, above | {id(value)}, done)
        done.add(id(value))
