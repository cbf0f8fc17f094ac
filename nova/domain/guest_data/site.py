"""What an operator adds to the data that every guest gets."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Site:
    """`vendor_data` is the static document; `vendor_data2` has an answer for each dynamic source, by its name."""

    dhcp_domain: str = 'novalocal'
    vendor_data: dict[str, Any] = dataclasses.field(default_factory=dict)
    vendor_data2: dict[str, Any] = dataclasses.field(default_factory=dict)

    def full_name(self, hostname: str) -> str:
        """The host name with the domain that DHCP gives; a host name that has dots is full already."""
        return f'{hostname}.{self.dhcp_domain}' if self.dhcp_domain and '.' not in hostname else hostname
