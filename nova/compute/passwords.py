"""Change passwords in this host's guests."""

from typing import Any

from nova.compute.guests import Guests, able
from nova.virt import driver

ABLE = 'change passwords in guests'


def check(hypervisor: Any, server_id: str) -> None:
    able(hypervisor, driver.Passwords, ABLE).check_password_change(server_id)


def change(hypervisor: Any, guests: Guests, server_id: str, user: str, password: str) -> None:
    with guests.working_on(server_id, 'given passwords'):
        able(hypervisor, driver.Passwords, ABLE).set_password(server_id, user, password)
