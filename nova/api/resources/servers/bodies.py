"""What requests about servers may say, at each version."""

from typing import Any

from nova.api.schema import BOOLEAN, DESCRIPTION, HOST_NAME, METADATA, NAME, TAG, UUID, Body, Field, integer

USER_DATA_LENGTH = 65535
HOSTNAME = {
    'type': 'string',
    'minLength': 1,
    'maxLength': 63,
    'pattern': '^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$',
}
# From 2.94 on it may be a full name, of labels that are host names each.
FULL_HOSTNAME = {
    'type': 'string',
    'minLength': 1,
    'maxLength': 255,
    'pattern': '^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$',
}
DISK_CONFIG = {'type': 'string', 'enum': ['AUTO', 'MANUAL']}
IPV4 = {'type': 'string', 'format': 'ipv4', 'maxLength': 15}
IPV6 = {'type': 'string', 'format': 'ipv6', 'maxLength': 45}
REFERENCE = {'type': ['string', 'integer'], 'minLength': 1, 'maxLength': 512}
TAGS = {'type': 'array', 'items': TAG, 'maxItems': 50, 'uniqueItems': True}
CERTIFICATES = {
    'type': ['array', 'null'],
    'minItems': 1,
    'maxItems': 50,
    'uniqueItems': True,
    'items': {'type': 'string', 'minLength': 1, 'maxLength': 255},
}
SECURITY_GROUPS = {
    'type': 'array',
    'maxItems': 64,
    'items': {
        'type': 'object',
        'properties': {'name': {'type': 'string', 'minLength': 1, 'maxLength': 255}},
        'additionalProperties': False,
        'required': ['name'],
    },
}
PERSONALITY = {
    'type': 'array',
    'maxItems': 64,
    'items': {
        'type': 'object',
        'properties': {
            'path': {'type': 'string', 'minLength': 1, 'maxLength': 4096},
            'contents': {'type': 'string', 'format': 'base64', 'maxLength': 65535},
        },
        'additionalProperties': False,
        'required': ['path', 'contents'],
    },
}
_DEVICE_TAG = {'type': 'string', 'minLength': 1, 'maxLength': 60, 'pattern': '^[^,/]*$'}
_DEVICE_NAME = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': '^[a-zA-Z0-9._/-]*$'}
# Some clients send it empty for a size that is the source's own.
_VOLUME_SIZE = {'anyOf': [integer(0), {'type': 'string', 'maxLength': 0}, {'type': 'null'}]}
_FIXED_IP = {'type': 'string', 'anyOf': [{'format': 'ipv4'}, {'format': 'ipv6'}], 'maxLength': 45}


def _networks(tag: bool, words: bool = False) -> dict[str, Any]:
    properties: dict[str, Any] = {
        # Before 2.37 the handler says what is wrong with it.
        'uuid': UUID if words else {'type': 'string', 'maxLength': 255},
        'port': {'type': ['string', 'null'], 'format': 'uuid'},
        'fixed_ip': _FIXED_IP,
    }
    if tag:
        properties['tag'] = _DEVICE_TAG
    items = {'type': 'object', 'properties': properties, 'additionalProperties': False}
    listed = {'type': 'array', 'items': items, 'maxItems': 64}
    return {'oneOf': [listed, {'type': 'string', 'enum': ['none', 'auto']}]} if words else listed


def _block_devices(tag: bool, volume_type: bool = False) -> dict[str, Any]:
    properties: dict[str, Any] = {
        'boot_index': {'type': ['integer', 'string', 'null'], 'pattern': '^-?[0-9]{1,9}$'},
        'delete_on_termination': BOOLEAN,
        'destination_type': {'type': 'string', 'enum': ['local', 'volume']},
        'device_name': _DEVICE_NAME,
        'device_type': {'type': 'string', 'maxLength': 255},
        'disk_bus': {'type': 'string', 'maxLength': 255},
        'guest_format': {'type': 'string', 'maxLength': 255},
        'no_device': {},
        'source_type': {'type': 'string', 'enum': ['volume', 'image', 'snapshot', 'blank']},
        'uuid': {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': '^[a-zA-Z0-9._-]*$'},
        'volume_size': _VOLUME_SIZE,
    }
    if tag:
        properties['tag'] = _DEVICE_TAG
    if volume_type:
        properties['volume_type'] = {'type': ['string', 'null'], 'maxLength': 255}
    return {
        'type': 'array',
        'maxItems': 64,
        'items': {'type': 'object', 'properties': properties, 'additionalProperties': False},
    }


_OLD_BLOCK_DEVICES = {
    'type': 'array',
    'maxItems': 64,
    'items': {
        'type': 'object',
        'properties': {
            'virtual_name': {'type': 'string', 'maxLength': 255},
            'volume_id': UUID,
            'snapshot_id': UUID,
            'volume_size': _VOLUME_SIZE,
            'device_name': _DEVICE_NAME,
            'delete_on_termination': BOOLEAN,
            'no_device': {},
            'connection_info': {'type': 'string', 'maxLength': 16777215},
        },
        'additionalProperties': False,
    },
}

_SERVER = {'type': 'string', 'minLength': 1, 'maxLength': 255}
_ONE_OR_MORE = {'oneOf': [_SERVER, {'type': 'array', 'items': _SERVER, 'maxItems': 64}]}
HINTS = {
    'type': 'object',
    'maxProperties': 64,
    'properties': {
        'group': UUID,
        'different_host': _ONE_OR_MORE,
        'same_host': _ONE_OR_MORE,
        'query': {'type': ['string', 'object'], 'maxLength': 4096},
        'target_cell': {'type': 'string', 'minLength': 1, 'maxLength': 255},
        'different_cell': {'type': ['string', 'array'], 'maxLength': 255},
        'build_near_host_ip': _FIXED_IP,
        'cidr': {'type': 'string', 'pattern': '^/[0-9a-f.:]+$', 'maxLength': 64},
    },
    'additionalProperties': True,
}

CREATE = Body(
    'server',
    Field('name', NAME, required=True),
    Field('imageRef', {'type': 'string', 'maxLength': 512}),
    Field('flavorRef', REFERENCE, required=True),
    Field('adminPass', {'type': 'string', 'maxLength': 255}),
    Field('metadata', METADATA),
    Field('networks', _networks(tag=False), until='2.31'),
    Field('networks', _networks(tag=True), since='2.32', until='2.36'),
    Field('networks', _networks(tag=False, words=True), since='2.37', until='2.41', required=True),
    Field('networks', _networks(tag=True, words=True), since='2.42', required=True),
    Field('OS-DCF:diskConfig', DISK_CONFIG),
    Field('accessIPv4', IPV4),
    Field('accessIPv6', IPV6),
    Field('personality', PERSONALITY, until='2.56'),
    Field('availability_zone', NAME),
    Field('security_groups', SECURITY_GROUPS),
    Field('user_data', {'type': 'string', 'format': 'base64', 'maxLength': USER_DATA_LENGTH}),
    Field('config_drive', {'anyOf': [BOOLEAN, {'type': 'null'}]}),
    Field('key_name', {'type': 'string', 'minLength': 1, 'maxLength': 255}),
    Field('min_count', integer(1)),
    Field('max_count', integer(1)),
    Field('return_reservation_id', BOOLEAN),
    Field('block_device_mapping', _OLD_BLOCK_DEVICES),
    Field('block_device_mapping_v2', _block_devices(tag=False), until='2.31'),
    Field('block_device_mapping_v2', _block_devices(tag=True), since='2.32', until='2.32'),
    Field('block_device_mapping_v2', _block_devices(tag=False), since='2.33', until='2.41'),
    Field('block_device_mapping_v2', _block_devices(tag=True), since='2.42', until='2.66'),
    Field('block_device_mapping_v2', _block_devices(tag=True, volume_type=True), since='2.67'),
    Field('description', DESCRIPTION, since='2.19'),
    Field('tags', TAGS, since='2.52'),
    Field('trusted_image_certificates', CERTIFICATES, since='2.63'),
    Field('host', HOST_NAME, since='2.74'),
    Field('hypervisor_hostname', HOST_NAME, since='2.74'),
    Field('hostname', HOSTNAME, since='2.90', until='2.93'),
    Field('hostname', FULL_HOSTNAME, since='2.94'),
    beside=(Field('os:scheduler_hints', HINTS), Field('OS-SCH-HNT:scheduler_hints', HINTS)),
)

UPDATE = Body(
    'server',
    Field('name', NAME),
    Field('OS-DCF:diskConfig', DISK_CONFIG),
    Field('accessIPv4', {'anyOf': [IPV4, {'type': 'string', 'maxLength': 0}]}),
    Field('accessIPv6', {'anyOf': [IPV6, {'type': 'string', 'maxLength': 0}]}),
    Field('description', DESCRIPTION, since='2.19'),
    Field('hostname', HOSTNAME, since='2.90', until='2.93'),
    Field('hostname', FULL_HOSTNAME, since='2.94'),
)
