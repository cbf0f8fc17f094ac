"""What a handler is given: who asks, at which version, for what, and the services to answer with."""

import dataclasses
import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import webob

from nova import errors
from nova.api.microversions import Version
from nova.api.policy import Policies, Rule
from nova.api.services import Services
from nova.context import Context

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer that is more than JSON with the route's status."""

    body: Any = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Params(Mapping[str, str]):
    """The query parameters that the route declares. `params[name]` is the last of several, `all(name)` has all."""

    def __init__(self, values: dict[str, list[str]]):
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[name][-1]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def pairs(self) -> list[tuple[str, str]]:
        return [(name, value) for name, values in self._values.items() for value in values]


class Request:
    """One request, checked: version, policy, body and query have passed what the route declares."""

    def __init__(
        self,
        http: webob.Request,
        context: Context,
        version: Version,
        services: Services,
        policies: Policies,
        legacy: bool = False,
        url_project: str | None = None,
    ):
        self.http, self.context, self.version, self.services = http, context, version, services
        self.legacy = legacy
        # What the body's wrapper holds, and the whole of the body.
        self.body: Any = None
        self.document: Any = None
        self.params = Params({})
        self.url_project, self._policies = url_project, policies
        # What keeps the answer of a request that may be sent twice (nova.api.idempotency.Once).
        self.once: Any = None

    @property
    def databases(self) -> Any:
        return self.services.databases

    @property
    def settings(self) -> Any:
        return self.services.settings

    def may(self, rule: Rule, **target: str | None) -> bool:
        """Whether policy lets the caller; on what `project_id` and `user_id` own: the caller unless said."""
        return self._policies.allows(rule, self.context, **target)

    def require(self, rule: Rule, **target: str | None) -> None:
        """Raise Forbidden unless `may`."""
        self._policies.require(rule, self.context, **target)

    def keep(self, tx: Any, answer: Answer) -> None:
        """Keep the answer, if the client may ask for it again, in the transaction that does what it tells of.

        A route whose work is one transaction on the API database calls this in it, and is declared `repeatable`.
        """
        if self.once is not None:
            self.once.keep(tx, answer)

    @property
    def is_heard(self) -> bool:
        """Whether anybody is to be told of what is done."""
        return self.services.notifier.on

    def tell(self, event_type: str, payload: Callable[..., dict[str, Any]], *about: Any, **more: Any) -> None:
        """Tell of what was done. `payload` (nova.domain.notifications) is made only if anybody is to know."""
        if not self.is_heard:
            return
        notifier = self.services.notifier
        try:
            notifier.send([notifier.notification('nova-api', event_type, payload(*about, **more))])
        except Exception:
            # What was asked for has been done.
            LOG.exception('%s could not be told.', event_type)

    def url(self, *parts: str) -> str:
        """The address of a resource, under the version and the project that the request was sent to."""
        version = 'v2' if self.legacy else 'v2.1'
        return '/'.join((self.base, version, *self._project(), *map(_quoted, parts)))

    def links(self, *parts: str) -> list[dict[str, str]]:
        """The two links that each resource shows: its own address, and one that no version is part of."""
        bookmark = '/'.join((self.base, *self._project(), *map(_quoted, parts)))
        return [{'rel': 'self', 'href': self.url(*parts)}, {'rel': 'bookmark', 'href': bookmark}]

    def page(self) -> tuple[int, str | None]:
        """How many items to list, and after which: `limit`, at most as many as the operator allows, and `marker`."""
        most = self.settings.max_limit
        text = self.params.get('limit')
        if text is None:
            return most, self.params.get('marker')
        if not text.isascii() or not text.isdigit():
            raise errors.Invalid(f'Invalid input for field/attribute limit. Value: {text[:64]}. It must be a number.')
        return min(int(text), most), self.params.get('marker')

    def next_link(self, items: Sequence[Any], marker: str, *parts: str) -> list[dict[str, str]]:
        """The link to the next page, if this one is full: the request's own parameters with the last item as marker."""
        limit, _ = self.page()
        if not limit or len(items) < limit:
            return []
        query = [(name, value) for name, value in self.params.pairs() if name != 'marker']
        return [{'rel': 'next', 'href': f'{self.url(*parts)}?{urlencode([*query, ("marker", marker)])}'}]

    @functools.cached_property
    def base(self) -> str:
        """Where the API is, as its users see it."""
        return (self.settings.compute_link_prefix or self.http.application_url).rstrip('/')

    def _project(self) -> tuple[str, ...]:
        return (self.url_project,) if self.url_project else ()


@functools.lru_cache(maxsize=4096)
def _quoted(part: str) -> str:
    return quote(str(part), safe='')
