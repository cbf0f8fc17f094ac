"""Declare what a resource may be told, and check a request's body against it."""

import dataclasses
import ipaddress
import re
import uuid
from collections.abc import Callable
from typing import Any

from nova.network import faults
from nova.network.caller import Caller

REQUIRED = object()
UNSET = object()  # no default: the attribute is absent from the accepted values unless given

MAC = re.compile(r'^[0-9a-f]{2}(:[0-9a-f]{2}){5}$')
LABEL = re.compile(r'^(?!-)[a-z0-9-]{1,63}(?<!-)$', re.IGNORECASE)
MAX_ITEMS = 256


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One field of a body. `check` returns the clean value, or raises ValueError with what is wrong in words."""

    name: str
    check: Callable[[Any], Any]
    default: Any = UNSET
    on_create: bool = True
    on_update: bool = True
    privileged: bool = False


def accept(attributes: tuple[Attribute, ...], body: Any, caller: Caller, creating: bool, what: str) -> dict[str, Any]:
    """The clean values of a body; a Fault that names the field if there is anything wrong with it."""
    if not isinstance(body, dict):
        raise faults.bad_request(f"Unable to find '{what}' in request body")
    known = {attribute.name: attribute for attribute in attributes}
    body = _one_name_for_project(body)
    if unknown := sorted(set(body) - set(known)):
        raise faults.bad_request(f"Unrecognized attribute(s) '{', '.join(map(str, unknown))}'")
    values = {}
    for name, attribute in known.items():
        if name in body:
            values[name] = _checked(attribute, body[name], caller, creating, what)
        elif creating and attribute.default is REQUIRED:
            raise faults.bad_request(f"Failed to parse request. Required attribute '{name}' not specified")
        elif creating and attribute.default is not UNSET:
            values[name] = attribute.default
    return values


def _one_name_for_project(body: dict[str, Any]) -> dict[str, Any]:
    if 'tenant_id' not in body:
        return body
    body = dict(body)
    tenant = body.pop('tenant_id')
    if body.setdefault('project_id', tenant) != tenant:
        raise faults.bad_request("'project_id' and 'tenant_id' do not match")
    return body


def _checked(attribute: Attribute, value: Any, caller: Caller, creating: bool, what: str) -> Any:
    if not (attribute.on_create if creating else attribute.on_update):
        verb = 'POST' if creating else 'PUT'
        raise faults.bad_request(f"Attribute '{attribute.name}' not allowed in {verb}")
    try:
        clean = attribute.check(value)
    except ValueError as failure:
        raise faults.invalid(f'Invalid input for {attribute.name}. Reason: {failure}.', 'HTTPBadRequest') from failure
    harmless = creating and attribute.default not in (UNSET, REQUIRED) and clean == attribute.default
    if attribute.privileged and not caller.privileged and not harmless:
        raise faults.forbidden(f'rule:{"create" if creating else "update"}_{what}:{attribute.name}')
    return clean


def text(value: Any) -> str:
    if value is None:
        return ''
    if not isinstance(value, str):
        raise ValueError(f"'{value}' is not a valid string")
    if len(value) > 255:
        raise ValueError(f"'{value[:40]}...' exceeds maximum length of 255")
    return value


def boolean(value: Any) -> bool:
    words = {'true': True, '1': True, 'false': False, '0': False}
    clean = words.get(str(value).lower())
    if clean is None:
        raise ValueError(f"'{value}' cannot be converted to boolean")
    return clean


def whole(low: int, high: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).lstrip('-').isdecimal():
            raise ValueError(f"'{value}' is not an integer")
        if not low <= int(value) <= high:
            raise ValueError(f"'{value}' is not between {low} and {high}")
        return int(value)

    return check


def or_none(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


def one_of(*choices: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"'{value}' is not in {list(choices)}")
        return value

    return check


def ident(value: Any) -> str:
    try:
        if isinstance(value, str) and len(value) == 36:
            return str(uuid.UUID(value))
    except ValueError:
        pass
    raise ValueError(f"'{value}' is not a valid UUID")


def address(value: Any) -> str:
    try:
        return str(ipaddress.IPv4Address(value if isinstance(value, str) else ''))
    except ValueError:
        raise ValueError(f"'{value}' is not a valid IPv4 address") from None


def cidr(value: Any) -> str:
    try:
        if isinstance(value, str) and '/' in value:
            return str(ipaddress.IPv4Network(value))
    except ValueError:
        pass
    raise ValueError(f"'{value}' is not a valid IPv4 range in CIDR form with no host bits set")


def any_cidr(value: Any) -> str:
    try:
        if isinstance(value, str):
            return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        pass
    raise ValueError(f"'{value}' is not a valid IP range")


def mac(value: Any) -> str:
    clean = value.lower().replace('-', ':') if isinstance(value, str) else ''
    # A first octet with its lowest bit set is a group of machines, not one.
    if not MAC.match(clean) or int(clean[:2], 16) & 1 or clean == '00:00:00:00:00:00':
        raise ValueError(f"'{value}' is not a valid MAC address of one interface")
    return clean


def domain_name(value: Any) -> str:
    clean = text(value)
    if clean and not all(LABEL.match(label) for label in clean.rstrip('.').split('.')):
        raise ValueError(f"'{value}' is not a valid domain name")
    return clean


def host_label(value: Any) -> str:
    clean = text(value)
    if clean and not LABEL.match(clean):
        raise ValueError(f"'{value}' is not a valid host name: letters, digits and hyphens, at most 63")
    return clean


def list_of(check: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def check_all(value: Any) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise ValueError(f"'{value}' is not a list")
        if len(value) > MAX_ITEMS:
            raise ValueError(f'it has {len(value)} items, at most {MAX_ITEMS} are allowed')
        return [check(item) for item in value]

    return check_all


def record(**fields: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    """A dictionary with some of `fields` (those that a caller needs are for the caller to insist on)."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or not value or set(value) - set(fields):
            raise ValueError(f"'{value}' is not a dictionary with keys among {sorted(fields)}")
        return {key: fields[key](item) for key, item in value.items()}

    return check


def complete(**fields: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    """A dictionary with all of `fields`."""
    some = record(**fields)

    def check(value: Any) -> dict[str, Any]:
        clean = some(value)
        if missing := sorted(set(fields) - set(clean)):
            raise ValueError(f"'{value}' lacks {', '.join(missing)}")
        return clean

    return check


def dictionary(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"'{value}' is not a dictionary")
    if len(str(value)) > 4095:
        raise ValueError('it is longer than 4095 characters')
    return value
