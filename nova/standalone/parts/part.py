"""What every part of the cloud can do."""

import abc
from pathlib import Path

from nova.standalone import commands
from nova.standalone.daemon import Daemon
from nova.standalone.layout import Layout
from nova.standalone.secrets import Secrets


class Part(abc.ABC):
    name: str
    title: str
    needs_before_start: tuple[str, ...] = ()
    programs: dict[str, str] = {}  # program -> Debian package that has it
    ports: tuple[str, ...] = ()

    def __init__(self, layout: Layout, secrets: Secrets):
        self.layout = layout
        self.secrets = secrets
        self.stamps = commands.Stamps(layout.stamps)

    @abc.abstractmethod
    def configure(self) -> None:
        """Write the configuration files; quick, and the same each time."""

    def prepare(self) -> None:
        """Make databases and keys; does nothing when done already."""
        return

    @abc.abstractmethod
    def daemons(self) -> list[Daemon]:
        """What the supervisor shall run."""

    def after_stop(self) -> None:
        """Take off the machine what lies outside the state directory, or outlived its supervisor."""
        return

    def etc(self, file: str) -> Path:
        return self.layout.etc(self.name) / file

    def prepare_log(self) -> Path:
        return self.layout.log / f'{self.name}-prepare.log'
