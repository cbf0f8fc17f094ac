"""Where the databases of a cloud within this process are."""

from typing import Any

from tests.fakes import databases
from tests.functional.cloud import Urls


def migrated(server: Any) -> Urls:
    """New databases with all their tables, on a server of tests.fakes.databases."""
    made = {}
    for name, kind in (('api', 'api'), ('cell0', 'cell'), ('cell1', 'cell')):
        database = databases.migrated(server, kind)
        made[name] = database.url.render_as_string(hide_password=False)
        database.close()
    return Urls(**made)
