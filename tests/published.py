"""Compare answers with the published samples: the same keys at every depth, and values of the same type."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

DIRECTORY = Path(__file__).parent / 'samples'


def sample(name: str) -> Any:
    """The content of a sample file."""
    return json.loads((DIRECTORY / name).read_text())


def differences(
    answer: Any,
    published: Any,
    free: frozenset[str] = frozenset(),
    path: str = '',
    named: Mapping[str, int] = MappingProxyType({}),
) -> list[str]:
    """How the answer differs in form. What lies under a key in `free` is the user's. Under a key in `named` there are
    so many levels of keys that somebody chose, and below them all has the form of the first that is published.
    A sample's null stands for any type, and so does ours."""
    levels = named.get(path.rpartition('/')[2], 0)
    if levels and isinstance(published, dict) and isinstance(answer, dict):
        return _differences_of_named(answer, published, free, path, named, levels)
    if isinstance(published, dict) and isinstance(answer, dict):
        found = [f'{path}/{key} is missing' for key in published.keys() - answer.keys()]
        found += [f'{path}/{key} is not published' for key in answer.keys() - published.keys()]
        for key in published.keys() & answer.keys():
            if key not in free:
                found += differences(answer[key], published[key], free, f'{path}/{key}', named)
        return sorted(found)
    if isinstance(published, list) and isinstance(answer, list):
        if not published or not answer:
            return _emptiness(answer, published, path)
        return [line for item in answer for line in _of_item(item, published, free, f'{path}[]', named)]
    if answer is None or published is None or _kind(answer) == _kind(published):
        return []
    return [f'{path} is {type(answer).__name__}, published as {type(published).__name__}']


def _emptiness(answer, published, path):
    return [] if bool(published) == bool(answer) else [f'{path} is empty in one of the two']


def _of_item(item, published, free, path, named):
    """Lists may mix forms: the published item that is nearest is meant."""
    return min((differences(item, known, free, path, named) for known in published), key=len)


def _differences_of_named(answer, published, free, path, named, levels):
    if levels == 0 or not (isinstance(answer, dict) and isinstance(published, dict)):
        return differences(answer, published, free, f'{path}/*', named)
    if not published or not answer:
        return _emptiness(answer, published, path)
    first = next(iter(published.values()))
    found = [_differences_of_named(value, first, free, path, named, levels - 1) for value in answer.values()]
    return sorted({line for lines in found for line in lines})


def _kind(value: Any) -> str:
    return 'number' if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
