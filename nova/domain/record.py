"""Turn domain values into plain data (JSON, bus messages) and back."""

import dataclasses
import datetime
import enum
import functools
import types
import typing
from collections.abc import Callable
from typing import Any

PLAIN = (str, int, float, bool, type(None))


def dump(value: Any) -> Any:
    """Plain data of a domain value: dicts, lists, strings, numbers. Fields at their default are left out."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, PLAIN):
        return value
    if dataclasses.is_dataclass(value):
        return {
            name: dump(item)
            for name, default in _fields(type(value))
            if (item := getattr(value, name)) is not default and item != default
        }
    if isinstance(value, dict):
        return {key: dump(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [dump(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise TypeError(f'{type(value).__name__} has no plain form; give it one in nova.domain.record.')


def load(kind: Any, data: Any) -> Any:
    """The domain value of type `kind` that `dump` made `data` from. Unknown fields are ignored: a newer sender has them."""
    return _loader(kind)(data)


class _Required:
    """Stands for the default of a field that has none."""


@functools.cache
def _fields(kind: type) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (field.name, _Required if field.default is dataclasses.MISSING else field.default)
        for field in dataclasses.fields(kind)
        if not field.metadata.get('private')
    )


@functools.cache
def _loader(kind: Any) -> Callable[[Any], Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any or kind in PLAIN:
        return lambda data: data
    if origin in (typing.Union, types.UnionType):
        return _union_loader(arguments)
    if origin is tuple:
        item = _loader(arguments[0])
        return lambda data: tuple(item(entry) for entry in data)
    if origin in (list, set, frozenset):
        item = _loader(arguments[0])
        return lambda data: origin(item(entry) for entry in data)
    if origin is dict:
        item = _loader(arguments[1])
        return lambda data: {key: item(entry) for key, entry in data.items()}
    if kind in (dict, list, tuple, set, frozenset):
        return kind
    if kind is datetime.datetime:
        return datetime.datetime.fromisoformat
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind
    if dataclasses.is_dataclass(kind):
        return _dataclass_loader(kind)
    raise TypeError(f'{kind} has no plain form; give it one in nova.domain.record.')


def _union_loader(arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    some = [argument for argument in arguments if argument is not type(None)]
    if len(some) != 1 and not all(argument in PLAIN for argument in some):
        raise TypeError(f'A union of {some} cannot be told apart in plain data.')
    inner = _loader(some[0])
    return lambda data: None if data is None else inner(data)


def _dataclass_loader(kind: type) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(kind)

    @functools.cache
    def loaders() -> dict[str, Callable[[Any], Any]]:
        return {name: _loader(hints[name]) for name, _default in _fields(kind)}

    def load_fields(data: dict[str, Any]) -> Any:
        known = loaders()
        return kind(**{name: known[name](item) for name, item in data.items() if name in known})

    return load_fields
