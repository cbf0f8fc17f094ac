"""Do a POST with an `Idempotency-Key` header once: whoever sends it again gets the first answer.

A request is noted in the API database before its handler is called, and its answer after. Nothing is done, and no
statement is sent, for requests without the header.
"""

import base64
import contextlib
import dataclasses
import datetime
import hashlib
import logging
import re
import uuid
from collections.abc import Callable
from typing import Any

import orjson
from cryptography import fernet

from nova import errors
from nova.api import faults
from nova.api.request import Answer, Request
from nova.api.routes import Route
from nova.db.stores import idempotency, mappings, operations
from nova.domain.attempt import KEPT_FOR, Attempt

LOG = logging.getLogger(__name__)

HEADER = 'Idempotency-Key'
REPLAYED = ('Idempotency-Replayed', 'true')
# After this long without an answer, the process that carried a request out is taken for dead.
LEASE = datetime.timedelta(seconds=120)
_KEY = re.compile(r'[\x20-\x7e]{1,255}')
_TRIES = 5


class Once:
    """One request with a key, for as long as it is carried out."""

    def __init__(self, attempt: Attempt, status: int, seal: fernet.Fernet):
        self.attempt, self._status, self._seal = attempt, status, seal

    def keep(self, tx: Any, answer: Answer) -> None:
        """Keep the answer in the transaction that does the work. Raises Conflict if another process has taken over."""
        if not idempotency.answer(tx, self.attempt, *self._sealed(answer)):
            raise errors.Conflict('This request is carried out by another process by now; send it again to learn how.')

    def keep_late(self, databases: Any, answer: Answer) -> None:
        """Keep the answer of what was done; it may be kept already."""
        try:
            with databases.api.writing() as tx:
                idempotency.answer(tx, self.attempt, *self._sealed(answer))
        except errors.ServiceDown as failure:
            LOG.warning('The answer of request %s could not be kept: %s', self.attempt.request_id, failure)

    def forget(self, databases: Any) -> None:
        with contextlib.suppress(errors.ServiceDown), databases.api.writing() as tx:
            idempotency.forget(tx, self.attempt)

    def _sealed(self, answer: Answer) -> tuple[int, str]:
        content = {
            'headers': answer.headers,
            'body': None if answer.body is None else _raw(answer.body).decode(),
        }
        return answer.status or self._status, self._seal.encrypt(orjson.dumps(content)).decode()


def once(request: Request, route: Route, path: str, arguments: dict[str, str], call: Callable[[], Answer]) -> Answer:
    """The answer of `call`, or that of an earlier request with the same key.

    Raises KeyReused for a key that came with another request, and StillRunning while the first one is carried out.
    """
    attempt, seal = _attempt(request, path)
    earlier = _begin(request, attempt)
    if earlier is not None:
        if earlier.body_hash != attempt.body_hash:
            raise faults.KeyReused(
                f'This {HEADER} came with another request before. Choose a new key for a new request.'
            )
        if earlier.status is not None:
            return _again(earlier, seal)
        if earlier.lease_until > request.services.clock():
            raise faults.StillRunning('The first request with this key is still being carried out. Try again later.')
        call = _resume(request, route, arguments, earlier, call)
        attempt = _take_over(request, earlier)
    request.once = Once(attempt, route.status, seal)
    return _carry_out(request, call)


def _attempt(request: Request, path: str) -> tuple[Attempt, fernet.Fernet]:
    """What is noted of this request, and the seal that only who knows the key can open."""
    key, context, now = request.http.headers[HEADER], request.context, request.services.clock()
    if not _KEY.fullmatch(key):
        raise errors.Invalid(f'{HEADER} must have 1 to 255 printable ASCII characters.')
    whose = orjson.dumps([context.project_id, context.user_id, request.http.method, path, key])
    what = orjson.dumps(
        [str(request.version), request.legacy, sorted(request.params.pairs()), request.document],
        option=orjson.OPT_SORT_KEYS,
    )
    attempt = Attempt(
        key_hash=hashlib.sha256(b'request' + whose).hexdigest(),
        body_hash=hashlib.sha256(what).hexdigest(),
        project_id=context.project_id,
        request_id=context.request_id,
        attempt=str(uuid.uuid4()),
        lease_until=now + LEASE,
        created_at=now,
    )
    return attempt, fernet.Fernet(base64.urlsafe_b64encode(hashlib.sha256(b'answer' + whose).digest()))


def _begin(request: Request, attempt: Attempt) -> Attempt | None:
    """Note that this request is carried out; what is noted of an earlier one if there was one within a day."""
    api, forgotten = request.databases.api, attempt.created_at - KEPT_FOR
    for _try in range(_TRIES):
        try:
            api.write(lambda tx: idempotency.begin(tx, attempt))
            return None
        except errors.Conflict:
            earlier = api.read(lambda tx: idempotency.find(tx, attempt.key_hash))
        if earlier is not None and earlier.created_at >= forgotten:
            return earlier
        api.write(lambda tx: idempotency.expire(tx, forgotten, attempt.key_hash))
    raise faults.StillRunning('Requests with this key come too fast. Try again later.')


def _take_over(request: Request, earlier: Attempt) -> Attempt:
    name, lease_until = str(uuid.uuid4()), request.services.clock() + LEASE
    if not request.databases.api.write(lambda tx: idempotency.take_over(tx, earlier, name, lease_until)):
        raise faults.StillRunning('The first request with this key is still being carried out. Try again later.')
    # Operations carry the id of the first request, so that they are found however often it is sent.
    request.context = dataclasses.replace(request.context, request_id=earlier.request_id)
    return dataclasses.replace(earlier, attempt=name, lease_until=lease_until)


def _resume(
    request: Request, route: Route, arguments: dict[str, str], earlier: Attempt, call: Callable[[], Answer]
) -> Callable[[], Answer]:
    """How to go on with a request whose process ended before it had an answer. Never does what may have been done."""
    if route.repeatable:
        # Had its work been committed, the answer would have been, too.
        return call
    server_id = arguments.get('server_id')
    if server_id is None:
        raise errors.Conflict(
            f'The first request with this key ({earlier.request_id}) was begun, and it is not known how it ended. '
            'Look whether it was carried out; if it was not, send it with a new key.'
        )
    if not _was_recorded(request, server_id, earlier.request_id):
        return call
    if route.status == 202 and not any('resp' in name for name in route.samples):
        return lambda: Answer(status=202)
    raise errors.Conflict(
        f'The first request with this key ({earlier.request_id}) was carried out, but its answer was lost. '
        f'Look at server {server_id}.'
    )


def _was_recorded(request: Request, server_id: str, request_id: str) -> bool:
    databases = request.databases
    mapping = databases.api.read(lambda tx: mappings.find(tx, server_id))
    if mapping is None:
        return False
    database = databases.api if mapping.cell_id is None else databases.cell(mapping.cell_id)
    return any(row.request_id == request_id for row in database.read(lambda tx: operations.of_server(tx, server_id)))


def _carry_out(request: Request, call: Callable[[], Answer]) -> Answer:
    try:
        answer = call()
    except Exception as error:
        if faults.code(error) >= 500:
            request.once.forget(request.databases)
        else:
            refused = faults.fault(error)
            request.once.keep_late(request.databases, Answer(refused.body(), refused.code, refused.headers))
        raise
    request.once.keep_late(request.databases, answer)
    return answer


def _again(earlier: Attempt, seal: fernet.Fernet) -> Answer:
    content = orjson.loads(seal.decrypt(earlier.answer.encode()))
    body = content['body']
    headers = tuple((name, value) for name, value in content['headers'])
    return Answer(None if body is None else body.encode(), earlier.status, (*headers, REPLAYED))


def _raw(body: Any) -> bytes:
    return body if isinstance(body, bytes) else orjson.dumps(body)
