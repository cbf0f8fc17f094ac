"""Compare answers with the published samples: the same keys at every depth, and values of the same type."""

import json
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent / 'samples'


def sample(name: str) -> Any:
    """The content of a sample file."""
    return json.loads((DIRECTORY / name).read_text())


def differences(answer: Any, published: Any, free: frozenset[str] = frozenset(), path: str = '') -> list[str]:
    """How the answer differs in form. What lies under a key in `free` has keys that users choose. A sample's null
    stands for any type, and so does ours."""
    if isinstance(published, dict) and isinstance(answer, dict):
        found = [f'{path}/{key} is missing' for key in published.keys() - answer.keys()]
        found += [f'{path}/{key} is not published' for key in answer.keys() - published.keys()]
        for key in published.keys() & answer.keys():
            if key not in free:
                found += differences(answer[key], published[key], free, f'{path}/{key}')
        return sorted(found)
    if isinstance(published, list) and isinstance(answer, list):
        if not published or not answer:
            return [] if bool(published) == bool(answer) else [f'{path} is empty in one of the two']
        return [line for item in answer for line in differences(item, published[0], free, f'{path}[]')]
    if answer is None or published is None or _kind(answer) == _kind(published):
        return []
    return [f'{path} is {type(answer).__name__}, published as {type(published).__name__}']


def _kind(value: Any) -> str:
    return 'number' if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
