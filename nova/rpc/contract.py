"""Declare what a daemon may be asked over the bus; client and server are both made from the declaration."""

import dataclasses
import inspect
import typing
from collections.abc import Callable
from typing import Any

from nova.domain import record


@dataclasses.dataclass(frozen=True)
class Method:
    """One declared method; `timeout` in seconds."""

    name: str
    kind: str
    since: str
    timeout: float | None
    parameters: dict[str, Any]
    required: frozenset[str]
    argument_since: dict[str, str]
    returns: Any

    def version_for(self, arguments: dict[str, Any]) -> str:
        """The lowest version of the contract that knows the method and the arguments given."""
        versions = [self.since, *(self.argument_since[name] for name in arguments if name in self.argument_since)]
        return max(versions, key=_number)

    def dump_arguments(self, arguments: dict[str, Any]) -> dict[str, Any]:
        unknown, missing = set(arguments) - set(self.parameters), self.required - set(arguments)
        if unknown or missing:
            raise TypeError(
                f'{self.name}() got {sorted(arguments)}; unknown: {sorted(unknown)}, missing: {sorted(missing)}'
            )
        return {name: record.dump(value) for name, value in arguments.items()}

    def load_arguments(self, plain: dict[str, Any]) -> dict[str, Any]:
        return {
            name: record.load(self.parameters[name], value) for name, value in plain.items() if name in self.parameters
        }


class Contract:
    """Base of the contracts. Subclasses set `topic` and `version` and declare methods with `@call` or `@cast`."""

    topic: typing.ClassVar[str]
    version: typing.ClassVar[str]

    @classmethod
    def methods(cls) -> dict[str, Method]:
        return {
            name: _method(name, function)
            for name, function in vars(cls).items()
            if getattr(function, '_declared', None)
        }


def call(since: str, timeout: float = 60, **argument_since: str) -> Callable:
    """Declare a method that answers. `argument_since` names the version in which an argument was added."""
    return _declare('call', since, timeout, argument_since)


def cast(since: str, **argument_since: str) -> Callable:
    """Declare a method that is told and does not answer."""
    return _declare('cast', since, None, argument_since)


def refuse_mismatch(contract: type[Contract], endpoint: object) -> None:
    """Raise TypeError unless `endpoint` has each method of the contract with the same parameters."""
    for name, method in contract.methods().items():
        function = getattr(endpoint, name, None)
        if function is None:
            raise TypeError(f'{type(endpoint).__name__} lacks {contract.__name__}.{name}.')
        offered = [parameter for parameter in inspect.signature(function).parameters if parameter != 'context']
        if offered != list(method.parameters):
            raise TypeError(
                f'{type(endpoint).__name__}.{name}{offered} differs from the contract {list(method.parameters)}.'
            )


def _declare(kind: str, since: str, timeout: float | None, argument_since: dict[str, str]) -> Callable:
    def mark(function: Callable) -> Callable:
        function._declared = (kind, since, timeout, argument_since)
        return function

    return mark


def _method(name: str, function: Callable) -> Method:
    kind, since, timeout, argument_since = function._declared
    hints = typing.get_type_hints(function)
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name not in ('self', 'context')]
    return Method(
        name=name,
        kind=kind,
        since=since,
        timeout=timeout,
        parameters={parameter.name: hints[parameter.name] for parameter in parameters},
        required=frozenset(parameter.name for parameter in parameters if parameter.default is parameter.empty),
        argument_since=argument_since,
        returns=hints.get('return', type(None)),
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split('.'))
