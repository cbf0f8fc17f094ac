"""Key pairs: the public keys that a user's servers let in."""

from typing import Any

from nova import errors
from nova.api import keys, policy, quota
from nova.api.hosts import shown_moment
from nova.api.request import Answer, Request
from nova.api.routes import route
from nova.api.schema import QUERY_NUMBER, QUERY_TEXT, USER_ID, Body, Field, Query
from nova.db.stores import keypairs, quotas
from nova.domain.keypair import KeyPair
from nova.domain.notifications import payloads

INDEX = policy.own_user('os_compute_api:os-keypairs:index', "List a user's key pairs.")
CREATE = policy.own_user('os_compute_api:os-keypairs:create', 'Create or import a key pair.')
SHOW = policy.own_user('os_compute_api:os-keypairs:show', 'Show a key pair.')
DELETE = policy.own_user('os_compute_api:os-keypairs:delete', 'Delete a key pair.')

_OLD_NAME = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': '^(?! )[a-zA-Z0-9_ -]+(?<! )$'}
_NAME = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': '^(?! )[a-zA-Z0-9_ @.-]+(?<! )$'}
# In characters, and in bytes, too.
_LONGEST_KEY = 65535
_PUBLIC_KEY = {'type': 'string', 'minLength': 1, 'maxLength': _LONGEST_KEY}
KEYPAIR = Body(
    'keypair',
    Field('name', _OLD_NAME, until='2.91', required=True),
    Field('name', _NAME, since='2.92', required=True),
    Field('public_key', _PUBLIC_KEY, until='2.91'),
    Field('public_key', _PUBLIC_KEY, since='2.92', required=True),
    Field('type', {'type': 'string', 'enum': ['ssh', 'x509']}, since='2.2'),
    Field('user_id', USER_ID, since='2.10'),
)
OF_USER = Query(Field('user_id', QUERY_TEXT, since='2.10', many=True))
LIST = Query(
    Field('user_id', QUERY_TEXT, since='2.10', many=True),
    Field('limit', QUERY_NUMBER, since='2.35', many=True),
    Field('marker', QUERY_TEXT, since='2.35', many=True),
)


@route(
    'GET',
    '/os-keypairs',
    policy=INDEX,
    query=LIST,
    samples=(
        'os-keypairs/keypairs-list-resp.json',
        'os-keypairs/v2.2/keypairs-list-resp.json',
        'os-keypairs/v2.35/keypairs-list-resp.json',
    ),
)
def listing(request: Request) -> dict[str, Any]:
    user_id = _user(request, INDEX)
    pages = request.version >= (2, 35)
    limit, marker = request.page() if pages else (None, None)
    with request.databases.api.reading() as tx:
        found = keypairs.listing(tx, user_id, limit=limit, marker=marker)
    answer: dict[str, Any] = {'keypairs': [{'keypair': _summary(request, keypair)} for keypair in found]}
    if pages and (links := request.next_link(found, found[-1].name if found else '', 'os-keypairs')):
        answer['keypairs_links'] = links
    return answer


@route(
    'POST',
    '/os-keypairs',
    policy=CREATE,
    body=KEYPAIR,
    repeatable=True,
    until='2.1',
    samples=('os-keypairs/keypairs-import-post-resp.json',),
)
@route(
    'POST',
    '/os-keypairs',
    policy=CREATE,
    body=KEYPAIR,
    repeatable=True,
    status=201,
    since='2.2',
    samples=(
        'os-keypairs/v2.2/keypairs-import-post-resp.json',
        'os-keypairs/v2.10/keypairs-import-post-resp.json',
        'os-keypairs/v2.92/keypairs-import-post-resp.json',
    ),
)
def create(request: Request) -> Answer:
    asked = request.body
    user_id, kind = asked.get('user_id') or request.context.user_id, asked.get('type', 'ssh')
    request.require(CREATE, user_id=user_id)
    private, public = None, asked.get('public_key')
    if public and len(public.encode()) > _LONGEST_KEY:
        raise errors.Invalid(f'Keypair data is invalid: the public key has more than {_LONGEST_KEY} bytes.')
    what = 'keypair.create' if public is None else 'keypair.import'
    request.tell(f'{what}.start', payloads.keypair_to_be, user_id, asked['name'], kind, public)
    if public is None:
        with request.databases.api.reading() as tx:
            # Before the work of making one.
            quota.refuse_another_keypair(tx, request, user_id)
        private, public = keys.generate(kind, user_id)
    keypair = KeyPair(
        name=asked['name'],
        user_id=user_id,
        public_key=public,
        fingerprint=keys.fingerprint(kind, public),
        type=kind,
        created_at=request.services.clock(),
    )
    shown = _summary(request, keypair) | {'user_id': user_id}
    answer = Answer({'keypair': shown if private is None else shown | {'private_key': private}})

    def record(tx: Any) -> None:
        quotas.take_turn(tx, user_id)
        quota.refuse_another_keypair(tx, request, user_id)
        keypairs.create(tx, keypair)
        request.keep(tx, answer)

    request.databases.api.write(record)
    request.tell(f'{what}.end', payloads.keypair, keypair)
    return answer


@route(
    'GET',
    '/os-keypairs/{name}',
    policy=SHOW,
    query=OF_USER,
    samples=(
        'os-keypairs/keypairs-get-resp.json',
        'os-keypairs/v2.2/keypairs-get-resp.json',
        'os-keypairs/v2.10/keypairs-get-resp.json',
    ),
)
def show(request: Request, name: str) -> dict[str, Any]:
    user_id = _user(request, SHOW)
    with request.databases.api.reading() as tx:
        keypair = keypairs.get(tx, user_id, name)
    return {
        'keypair': _summary(request, keypair)
        | {
            'user_id': keypair.user_id,
            'id': keypair.id,
            'deleted': False,
            'created_at': shown_moment(keypair.created_at),
            'updated_at': None,
            'deleted_at': None,
        }
    }


@route('DELETE', '/os-keypairs/{name}', policy=DELETE, query=OF_USER, status=202, until='2.1')
@route('DELETE', '/os-keypairs/{name}', policy=DELETE, query=OF_USER, status=204, since='2.2')
def delete(request: Request, name: str) -> None:
    user_id = _user(request, DELETE)
    with request.databases.api.writing() as tx:
        known = keypairs.find(tx, user_id, name) if request.is_heard else None
        keypairs.remove(tx, user_id, name)
    if known:
        request.tell('keypair.delete.start', payloads.keypair, known)
        request.tell('keypair.delete.end', payloads.keypair, known)


def _user(request: Request, rule: policy.Rule) -> str:
    """Whose key pairs: the caller's, or another user's, for which the rule must hold."""
    user_id = request.params.get('user_id') or request.context.user_id
    request.require(rule, user_id=user_id)
    if user_id is None:
        raise errors.Forbidden('Key pairs belong to users, and this token names none.')
    return user_id


def _summary(request: Request, keypair: KeyPair) -> dict[str, Any]:
    shown = {'name': keypair.name, 'public_key': keypair.public_key, 'fingerprint': keypair.fingerprint}
    if request.version >= (2, 2):
        shown['type'] = keypair.type
    return shown
