"""Ask for servers, and look at what was recorded of it."""

from nova.db.stores import operations
from nova.domain import record
from nova.domain.server import ServerRequest
from tests.unit.api.servers.world import IMAGE_ID

BARE = {'name': 'web', 'imageRef': IMAGE_ID, 'flavorRef': '1', 'networks': 'none'}


def create(world, version='2.93', token='member', status=202, hints=None, **body):
    document = {'server': {**BARE, **body}}
    if hints:
        document['os:scheduler_hints'] = hints
    return world.send('POST', '/servers', document, version, token, status)


def refused(world, version='2.93', token='member', hints=None, **body):
    """The status and the sentence; a value of None leaves a field out."""
    asked = {name: value for name, value in {**BARE, **body}.items() if value is not None}
    document = {'server': asked} | ({'os:scheduler_hints': hints} if hints else {})
    before = len(building(world))
    answer = world.fault('POST', '/servers', document, version, token)
    assert len(building(world)) == before, 'a refused request must leave nothing'
    return answer


def building(world):
    with world.databases.api.reading() as tx:
        return operations.building(tx)


def recorded(world):
    """The requests that conductors will find, by name."""
    with world.databases.api.reading() as tx:
        rows = [operations.get(tx, operation_id) for operation_id in world.bus.sent]
    requests = [record.load(ServerRequest, row.parameters['request']) for row in rows]
    return {request.name: request for request in requests}
