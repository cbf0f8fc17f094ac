"""Routes are declared on their handlers; here they are collected, and a request's is found."""

import dataclasses
import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import routes as routing
from oslo_policy import policy as oslo

from nova import errors
from nova.api import faults
from nova.api.microversions import MAX, MIN, Version
from nova.api.policy import PERSONAS, SCOPE_TYPES, Rule
from nova.api.schema import Body, Query


@dataclasses.dataclass(frozen=True)
class Route:
    """One call of the API in one range of versions."""

    method: str
    path: str
    handler: Callable[..., Any]
    policy: Rule | None
    action: str | None = None
    body: Body | None = None
    query: Query | None = None
    status: int = 200
    since: Version = MIN
    until: Version = MAX
    # Files under tests/samples whose keys the answer has, by microversion.
    samples: tuple[str, ...] = ()
    # Its work and its kept answer are one transaction, so that what has no answer has not been done.
    repeatable: bool = False

    @property
    def name(self) -> str:
        return f'{self.method} {self.path}' + (f' {self.action}' if self.action else '')

    def at(self, version: Version) -> bool:
        return self.since <= version <= self.until


@dataclasses.dataclass(frozen=True)
class Alias:
    """A second address for calls that are declared elsewhere: `path` in place of `of`, with these `endings`.

    Of actions only those in `actions`. A module names its aliases in `ALIASES`.
    """

    path: str
    of: str
    endings: tuple[str, ...]
    actions: frozenset[str] = frozenset()

    def routes(self, table: Iterable[Route]) -> list[Route]:
        """The same calls under this address. Their samples are those of the first one."""
        paths = {f'{self.of}{ending}': f'{self.path}{ending}' for ending in self.endings}
        return [
            dataclasses.replace(entry, path=paths[entry.path], samples=())
            for entry in table
            if entry.path in paths and (entry.action is None or entry.action in self.actions)
        ]


def route(
    method: str,
    path: str,
    *,
    policy: Rule | None,
    action: str | None = None,
    body: Body | None = None,
    query: Query | None = None,
    status: int = 200,
    since: str = '2.1',
    until: str | None = None,
    samples: tuple[str, ...] = (),
    repeatable: bool = False,
) -> Callable[[Callable], Callable]:
    """Declare that a function answers a call. It takes the request and the parts of the path by name, and returns what
    becomes JSON, an `Answer`, or None for no body. One function may answer several calls."""

    def declare(handler: Callable) -> Callable:
        entry = Route(
            method=method,
            path=path,
            handler=handler,
            policy=policy,
            action=action,
            body=body,
            query=query,
            status=status,
            since=Version.parse(since),
            until=Version.parse(until) if until else MAX,
            samples=samples,
            repeatable=repeatable,
        )
        handler.routes = (entry, *getattr(handler, 'routes', ()))
        return handler

    return declare


@functools.cache
def resource_modules() -> tuple[ModuleType, ...]:
    """Every module under nova.api.resources; a new resource is found by being there."""
    package = importlib.import_module('nova.api.resources')
    names = [info.name for info in pkgutil.walk_packages(package.__path__, f'{package.__name__}.')]
    return tuple(importlib.import_module(name) for name in sorted(names))


def collect(modules: Iterable[ModuleType] | None = None) -> list[Route]:
    """The routes that the modules' functions declare, under all their addresses."""
    modules = list(resource_modules() if modules is None else modules)
    found = [
        entry
        for module in modules
        for function in vars(module).values()
        if getattr(function, '__module__', None) == module.__name__
        for entry in getattr(function, 'routes', ())
    ]
    aliases = [alias for module in modules for alias in getattr(module, 'ALIASES', ())]
    return found + [entry for alias in aliases for entry in alias.routes(found)]


def rules(table: Iterable[Route], modules: Iterable[ModuleType] | None = None) -> list[Rule]:
    """The rules of the routes, and those that the modules keep for finer questions; each name once."""
    found: dict[str, Rule] = {entry.policy.name: entry.policy for entry in table if entry.policy}
    for module in resource_modules() if modules is None else modules:
        for value in vars(module).values():
            for rule in value if isinstance(value, tuple) else (value,):
                if isinstance(rule, Rule) and rule not in PERSONAS:
                    found.setdefault(rule.name, rule)
    return sorted(found.values(), key=lambda rule: rule.name)


def list_rules() -> list[Any]:
    """Every rule with what it guards, for the sample policy file (oslo.policy's generator calls this)."""
    table = collect()
    operations: dict[str, list[dict[str, str]]] = {}
    for entry in table:
        path = f'{entry.path} ({entry.action})' if entry.action else entry.path
        operations.setdefault(entry.policy.name if entry.policy else '', []).append(
            {'path': path, 'method': entry.method}
        )
    personas = [oslo.RuleDefault(rule.name, rule.check, description=rule.description) for rule in PERSONAS]
    return personas + [
        oslo.DocumentedRuleDefault(
            rule.name,
            rule.check,
            rule.description or 'Guards this call.',
            operations[rule.name],
            scope_types=list(SCOPE_TYPES),
        )
        if rule.name in operations
        else oslo.RuleDefault(rule.name, rule.check, rule.description or None, scope_types=list(SCOPE_TYPES))
        for rule in rules(table)
    ]


class Router:
    """Finds the route of a request. Paths are compiled once."""

    def __init__(self, table: Iterable[Route]):
        self._calls: dict[str, dict[str, list[Route]]] = {}
        for entry in table:
            self._calls.setdefault(entry.path, {}).setdefault(entry.method, []).append(entry)
        self._mapper = routing.Mapper(always_scan=False, register=False)
        self._mapper.minimization = False
        # A fixed word sorts before a parameter ('{'), so /flavors/detail is tried before /flavors/{id}.
        for path in sorted(self._calls):
            self._mapper.connect(None, path, path=path)
        self._mapper.create_regs()
        self._first_words = frozenset(path.split('/')[1] for path in self._calls)

    def begins(self, word: str) -> bool:
        """Whether a path may begin with `word`; if not, it is a project's id."""
        return word in self._first_words

    def find(self, method: str, path: str) -> tuple[list[Route], dict[str, str]]:
        """The calls at this path and method, of all versions and actions, and the path's parameters."""
        match = self._mapper.match(path)
        if not match:
            raise faults.NoRoute
        arguments = {name: value for name, value in match.items() if name not in ('path', 'controller', 'action')}
        methods = self._calls[match['path']]
        if method == 'HEAD' and 'HEAD' not in methods:
            method = 'GET'
        if method not in methods:
            raise faults.MethodNotAllowed(sorted(methods))
        return methods[method], arguments

    @staticmethod
    def choose(candidates: list[Route], version: Version, body: Any) -> Route:
        """The one of the candidates that the version, and for an action the body's key, ask for."""
        if candidates[0].action is not None:
            candidates = _of_action(candidates, body)
        for entry in candidates:
            if entry.at(version):
                return entry
        raise faults.NoRoute


def _of_action(candidates: list[Route], body: Any) -> list[Route]:
    if not isinstance(body, dict) or not body:
        raise errors.Invalid('Malformed request body')
    word = next(iter(body))
    chosen = [entry for entry in candidates if entry.action == word]
    if not chosen:
        raise errors.Invalid(f'There is no such action: {word[:64]}')
    return chosen
