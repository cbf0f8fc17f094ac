"""Record an image of a server, as its user, before an operation gives it its data."""

from collections.abc import Mapping

from nova import errors
from nova.api.request import Answer, Request
from nova.api.resources.servers.verbs import begin
from nova.db.stores import server_images
from nova.domain import snapshot
from nova.domain.server import Server
from nova.operations.guest_operation import GuestOperation


def record(
    request: Request,
    server: Server,
    name: str,
    kind: str = snapshot.SNAPSHOT,
    metadata: Mapping[str, str] | None = None,
) -> str:
    """The id of an image that has no data yet, and all else that images of the server have."""
    with request.databases.cell(server.cell_id).reading() as tx:
        base = server_images.find(tx, server.id)
    left_out = request.settings.non_inheritable_image_properties
    return request.services.images.create(
        request.context,
        name,
        snapshot.image_properties(server, kind, left_out, metadata),
        min_disk=server.flavor.disk_gb or (base.min_disk_gb if base else 0),
        min_ram=base.min_memory_mb if base else 0,
    )


def fill(request: Request, operation: GuestOperation, image_id: str | None) -> None:
    """Have the operation give the image its data; where it may not begin, the image goes at once. Errors: Conflict."""
    try:
        begin(request, operation)
    except errors.NovaError:
        if image_id:
            request.services.images.remove(image_id)
        raise


def answer(request: Request, image_id: str) -> Answer:
    """Where the image is: since 2.45 by its id, before by its address."""
    if request.version >= (2, 45):
        return Answer({'image_id': image_id})
    glance = request.settings.image_link_prefix or request.services.images.address
    return Answer(headers=(('Location', f'{glance}/images/{image_id}'),))
