"""What a flavor and an image wish for the guest's hardware. Where both name the same thing, the flavor decides."""

from collections.abc import Collection, Mapping
from typing import Any

from nova import errors
from nova.domain.guest import Guest

TRUE = frozenset({'1', 't', 'true', 'on', 'y', 'yes'})


class Wishes:
    """Reads `hw:name` in extra specs and `hw_name` in image properties."""

    def __init__(self, extra_specs: Mapping[str, str], properties: Mapping[str, Any]):
        self._extra_specs = extra_specs
        self._properties = properties

    def spec(self, key: str) -> str | None:
        """An extra spec by its whole name."""
        return self._extra_specs.get(key)

    def property(self, key: str) -> str | None:
        """An image property by its whole name."""
        value = self._properties.get(key)
        return None if value is None or value == '' else str(value)

    def text(self, name: str) -> str | None:
        return self.spec(f'hw:{name}') or self.property(f'hw_{name}')

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str | None:
        value = self.text(name)
        if value is None:
            return default
        if value not in choices:
            known = ', '.join(sorted(choices))
            raise errors.ImageUnacceptable(f'hw_{name} is "{value}"; this host knows {known}.')
        return value

    def number(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not value.isdecimal():
            raise errors.ImageUnacceptable(f'hw_{name} is "{value}", which is not a number.')
        return int(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.text(name)
        return default if value is None else is_true(value)


def is_true(text: str) -> bool:
    return text.strip().lower() in TRUE


def wishes_of(guest: Guest) -> Wishes:
    properties = guest.image.properties if guest.image else guest.server.image_properties
    return Wishes(guest.server.flavor.extra_specs, properties)
