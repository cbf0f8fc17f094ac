"""Where a cloud keeps its files, and which ports its daemons use."""

import dataclasses
import ipaddress
import json
import os
import sys
from pathlib import Path

from nova.standalone.refusal import Refusal

# All below 11,200: with an offset of up to 21,000 they stay clear of 32768 and above, where the kernel takes ports for
# outgoing connections, any of which might be one of ours just when a daemon starts.
PORTS = {
    'rabbitmq': 5673,
    'rabbitmq-nodes': 5674,
    'epmd': 4370,
    'keystone': 5000,
    'glance': 9292,
    'placement': 8778,
    'barbican': 9311,
    'nova-network': 9696,
    'metadata-proxy': 9697,
    'nova-api': 8774,
    'nova-metadata': 8775,
    'nova-novncproxy': 6080,
    'nova-api-health': 8784,
    'nova-scheduler-health': 8786,
    'nova-conductor-health': 8787,
    'nova-novncproxy-health': 6090,
    'nova-network-health': 9698,
    'nova-compute-health': 11000,  # and one more for each further compute
}
HIGHEST_PORT = 65535
LARGEST_OFFSET = HIGHEST_PORT - max(PORTS.values()) - 200
DRIVERS = ('libvirt', 'fake')
# How the scheme of a database's URL may begin.
DATABASES = ('mysql', 'mariadb', 'postgres')
ALL_PARTS = ('rabbitmq', 'keystone', 'glance', 'placement', 'libvirt', 'network', 'nova')


def default_state_dir() -> Path:
    if os.geteuid() == 0:
        return Path('/var/lib/nova-standalone')
    state_home = os.environ.get('XDG_STATE_HOME') or Path.home() / '.local' / 'state'
    return Path(state_home) / 'nova-standalone'


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _beside_our_environment(name: str) -> Path:
    return Path(sys.prefix).parent / name


def default_neighbours() -> Path:
    return Path(os.environ.get('NOVA_STANDALONE_NEIGHBOURS') or _beside_our_environment('.venv-neighbours'))


def default_guest_image() -> Path:
    return Path(os.environ.get('NOVA_STANDALONE_IMAGE') or _beside_our_environment('.guest-image') / 'tiny.qcow2')


def console_page() -> Path | None:
    """Where `tools/up` has put noVNC; None if it has not."""
    directory = _beside_our_environment('.novnc')
    return directory if directory.is_dir() else None


@dataclasses.dataclass(frozen=True)
class Layout:
    """One cloud: its choices, and from them every path, port and URL."""

    state_dir: Path
    port_offset: int = 0
    driver: str = 'libvirt'
    computes: int = 1
    address: str = '127.0.0.1'
    database: str = ''
    key_manager: bool = False
    neighbours: Path = dataclasses.field(default_factory=default_neighbours)
    guest_image: Path = dataclasses.field(default_factory=default_guest_image)
    parts: frozenset[str] = frozenset(ALL_PARTS)

    def __post_init__(self):
        if not 0 <= self.port_offset <= LARGEST_OFFSET:
            raise Refusal(f'--port-offset must lie between 0 and {LARGEST_OFFSET}, and is {self.port_offset}.')
        if self.driver not in DRIVERS:
            raise Refusal(f'--driver must be one of {", ".join(DRIVERS)}, and is {self.driver}.')
        if not 1 <= self.computes <= 200:
            raise Refusal(f'--computes must lie between 1 and 200, and is {self.computes}.')
        if self.driver == 'libvirt' and self.computes != 1:
            raise Refusal('One machine is one libvirt host: give --computes together with --driver fake.')
        if not _is_ipv4(self.address):
            raise Refusal(f'--address must be an IPv4 address of this machine, and is {self.address}.')
        scheme, separator, place = self.database.partition('://')
        if self.database and not (scheme.startswith(DATABASES) and separator and place):
            # What was given may have a password in it.
            raise Refusal(
                '--database must be like mysql+pymysql://user:password@host or postgresql://user:password@host.'
            )
        if unknown := self.parts - set(ALL_PARTS):
            raise Refusal(f'There is no part {", ".join(sorted(unknown))}; the parts are {", ".join(ALL_PARTS)}.')

    def has(self, part: str) -> bool:
        if part == 'barbican':
            return self.key_manager
        return part in self.parts and (part != 'libvirt' or self.driver == 'libvirt')

    def port(self, name: str) -> int:
        return PORTS[name] + self.port_offset

    def listen(self, name: str) -> str:
        return f'{self.address}:{self.port(name)}'

    def url(self, name: str, path: str = '') -> str:
        return f'http://{self.listen(name)}{path}'

    def compute_health_port(self, number: int) -> int:
        return self.port('nova-compute-health') + number

    def etc(self, service: str) -> Path:
        return self.state_dir / 'etc' / service

    def data(self, service: str) -> Path:
        return self.state_dir / 'data' / service

    @property
    def run(self) -> Path:
        return self.state_dir / 'run'

    @property
    def log(self) -> Path:
        return self.state_dir / 'log'

    @property
    def stamps(self) -> Path:
        return self.state_dir / 'stamps'

    @property
    def secrets(self) -> Path:
        return self.state_dir / 'secrets'

    @property
    def clouds_yaml(self) -> Path:
        return self.state_dir / 'clouds.yaml'

    @property
    def settings_file(self) -> Path:
        return self.state_dir / 'cloud.json'

    def database_url(self, service: str, name: str) -> str:
        if self.database:
            scheme, _, place = self.database.rstrip('/').partition('://')
            if scheme.startswith('postgres'):
                # Placement reads of a cursor what psycopg 3 no longer has; our daemons take either driver's name for 3.
                scheme = 'postgresql+psycopg2'
            return f'{scheme}://{place}/{name}'
        return f'sqlite:///{self.data(service) / name}.db'

    def neighbour_program(self, name: str) -> str:
        return str(self.neighbours / 'bin' / name)

    def our_program(self, name: str) -> str:
        return str(Path(sys.prefix) / 'bin' / name)

    def make_directories(self) -> None:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        for path in (self.run, self.log, self.stamps, self.state_dir / 'etc', self.state_dir / 'data'):
            path.mkdir(exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)

    def save(self) -> None:
        kept = {name: getattr(self, name) for name in SAVED}
        # Aside first: a file that was cut off would keep the cloud from being started or removed.
        aside = self.settings_file.with_suffix('.new')
        aside.write_text(json.dumps({**kept, 'parts': sorted(self.parts)}, default=str, indent=2) + '\n')
        aside.replace(self.settings_file)


SAVED = ('port_offset', 'driver', 'computes', 'address', 'database', 'key_manager', 'neighbours', 'guest_image')


def saved_choices(state_dir: Path) -> dict:
    """What the last `up` of this cloud was told; empty where there is no cloud yet."""
    try:
        choices = json.loads((state_dir / 'cloud.json').read_text())
    except FileNotFoundError:
        return {}
    except ValueError as failure:
        raise Refusal(
            f'{state_dir / "cloud.json"} is not what the last `up` wrote: {failure}. Restore it.'
        ) from failure
    choices['parts'] = frozenset(choices['parts'])
    for name in ('neighbours', 'guest_image'):
        choices[name] = Path(choices[name])
    return choices


def layout_of(state_dir: Path, **choices) -> Layout:
    """The cloud in `state_dir`: what is given here wins over what its last `up` was told."""
    given = {name: value for name, value in choices.items() if value is not None}
    return Layout(state_dir=Path(state_dir).absolute(), **{**saved_choices(Path(state_dir)), **given})
