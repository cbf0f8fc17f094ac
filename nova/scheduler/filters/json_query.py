"""Leave out hosts that a question of the user's own, the hint `query`, does not hold for.

The question is a list in JSON: an operator, and what it is about, which may be lists of that kind. `$free_ram_mb` and the
like stand for what is known of a host: `["and", [">=", "$free_ram_mb", 1024], [">=", "$free_disk_mb", 204800]]`.
"""

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

from nova.domain.host import Host
from nova.domain.request import PlacementRequest
from nova.scheduler.filters.compute_capabilities import ATTRIBUTES


class Incomprehensible(Exception):
    """The question is none."""


class JsonQuery:
    always = False

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        asked = request.scheduler_hints.get('query')
        if not asked:
            return None
        try:
            question = _parsed(asked) if isinstance(asked, str) else asked
            holds = not question or bool(_value(question, host))
        except (Incomprehensible, RecursionError, ValueError):
            return 'The hint query is no question that can be put to a host.'
        return None if holds else 'The question in the hint query does not hold for it.'


@functools.lru_cache(maxsize=128)
def _parsed(text: str) -> Any:
    return json.loads(text)


def _value(term: Any, host: Host) -> Any:
    if isinstance(term, list):
        return _answer(term, host)
    if isinstance(term, str) and term.startswith('$'):
        return _known(term[1:].split('.'), host)
    if isinstance(term, dict):
        raise Incomprehensible
    return term


def _answer(question: Sequence[Any], host: Host) -> bool:
    if not question:
        return True
    operator, *operands = question
    if not isinstance(operator, str) or operator not in _OPERATORS:
        raise Incomprehensible
    return _OPERATORS[operator]([_value(operand, host) for operand in operands])


def _known(path: Sequence[str], host: Host) -> Any:
    """What is known of the host under that name; None if it is nothing."""
    if path[0] not in ATTRIBUTES:
        return None
    found = ATTRIBUTES[path[0]](host)
    for part in path[1:]:
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _each(compare: Callable[[Any, Any], bool]) -> Callable[[list[Any]], bool]:
    """Whether the first compares so with each of the others; what cannot be compared does not."""

    def holds(values: list[Any]) -> bool:
        try:
            return len(values) > 1 and all(compare(values[0], value) for value in values[1:])
        except TypeError:
            return False

    return holds


_OPERATORS: dict[str, Callable[[list[Any]], bool]] = {
    '=': _each(lambda value, other: value == other),
    '<': _each(lambda value, other: value < other),
    '>': _each(lambda value, other: value > other),
    '<=': _each(lambda value, other: value <= other),
    '>=': _each(lambda value, other: value >= other),
    'in': lambda values: bool(values) and values[0] in values[1:],
    'not': lambda values: not any(values),
    'or': any,
    'and': all,
}
