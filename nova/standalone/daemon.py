"""What the supervisor must know of a daemon, as data that crosses its socket."""

import dataclasses
import hashlib
import json
from pathlib import Path

BUS, NEIGHBOURS, CONTROL, HOSTS = range(4)  # stages: what starts later stops earlier


@dataclasses.dataclass(frozen=True)
class Daemon:
    name: str
    command: tuple[str, ...]
    stage: int
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    address: str = ''
    ready_url: str = ''
    config_files: tuple[str, ...] = ()
    version: str = ''  # of its program: another one is another daemon
    patience: float = 90  # seconds to become ready
    grace: float = 20  # seconds to stop

    def fingerprint(self) -> str:
        """Changes when the daemon would run differently, so that `up` restarts it then and only then."""
        digest = hashlib.sha256(json.dumps(dataclasses.asdict(self), sort_keys=True).encode())
        for path in self.config_files:
            digest.update(Path(path).read_bytes() if Path(path).exists() else b'absent')
        return digest.hexdigest()

    def to_wire(self) -> dict:
        return {**dataclasses.asdict(self), 'fingerprint': self.fingerprint()}


def from_wire(wire: dict) -> tuple[Daemon, str]:
    # What a newer `up` adds is left out: the supervisor may be older than it.
    fields = {field.name: wire[field.name] for field in dataclasses.fields(Daemon) if field.name in wire}
    fields['command'] = tuple(fields['command'])
    fields['config_files'] = tuple(fields['config_files'])
    return Daemon(**fields), wire['fingerprint']
