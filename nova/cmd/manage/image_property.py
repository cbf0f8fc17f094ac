"""nova-manage image_property: what is kept of a server's image and shapes its guest."""

import argparse
import sys

from nova import errors
from nova.cmd.manage import servers as found
from nova.cmd.manage.arguments import Argument, Command
from nova.cmd.manage.installation import Installation
from nova.domain import image_properties


def show(installation: Installation, arguments: argparse.Namespace) -> int:
    place = found.find(installation, arguments.instance_uuid)
    if place is None:
        return 2
    value = place[0].image_properties.get(arguments.image_property)
    if value is None:
        print(f'Image property {arguments.image_property} not found for instance {arguments.instance_uuid}.')
        return 3
    print(value)
    return 0


def change(installation: Installation, arguments: argparse.Namespace) -> int:
    place = found.find(installation, arguments.instance_uuid)
    if place is None:
        return 2
    server, database = place
    asked = {}
    for pair in arguments.property:
        name, equals, value = pair.partition('=')
        if not equals or name not in image_properties.KNOWN:
            print(f'"{name}" is not the name of an image property; write NAME=VALUE.', file=sys.stderr)
            return 4
        if why := image_properties.refusal(name, value):
            print(why, file=sys.stderr)
            return 5
        asked[name] = value
    try:
        found.change(database, server.id, image_properties={**server.image_properties, **asked})
    except errors.Conflict as failure:
        print(failure, file=sys.stderr)
        return 3
    return 0


_SERVER = Argument('instance_uuid', metavar='INSTANCE_UUID', help='The server.')

COMMANDS = (
    Command(
        'show',
        'Show one property.',
        show,
        (_SERVER, Argument('image_property', metavar='IMAGE_PROPERTY', help='Its name.')),
    ),
    Command(
        'set',
        'Change properties of a server that is stopped or shelved.',
        change,
        (
            _SERVER,
            Argument('--property', action='append', required=True, metavar='NAME=VALUE', help='May be repeated.'),
        ),
        'image_property set UUID --property hw_disk_bus=virtio --property hw_vif_model=virtio',
    ),
)
