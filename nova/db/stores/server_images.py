"""Keep the image that a server's disk was made from, so that its guest can be made again."""

import sqlalchemy as sa

from nova.db.tables.server_images import server_images
from nova.domain import record
from nova.domain.image import Image

_of_server = server_images.c.server_id == sa.bindparam('this')
_CREATE = sa.insert(server_images)
_UPDATE = sa.update(server_images).where(_of_server)
_FIND = sa.select(server_images.c.image).where(_of_server)


def put(tx: sa.Connection, server_id: str, image: Image) -> None:
    """Note the image, in place of one noted before."""
    plain = record.dump(image)
    if not tx.execute(_UPDATE, {'this': server_id, 'image': plain}).rowcount:
        tx.execute(_CREATE, {'server_id': server_id, 'image': plain})


def create(tx: sa.Connection, server_id: str, image: Image) -> None:
    """Note the image of a server that has none yet."""
    tx.execute(_CREATE, {'server_id': server_id, 'image': record.dump(image)})


def find(tx: sa.Connection, server_id: str) -> Image | None:
    found = tx.execute(_FIND, {'this': server_id}).scalar()
    return record.load(Image, found) if found is not None else None
