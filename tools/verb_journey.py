"""Every verb on a server that stays on its host, as a user types it; for any cloud that the `openstack` client reaches."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator

# Seconds that a server may take to come to rest: real guests are slow where there is no KVM.
PATIENCE = 300.0
NAME = 'journey'


@dataclasses.dataclass(frozen=True)
class Choices:
    """What the commands name."""

    image: str
    flavor: str
    other_flavor: str
    network: str


@dataclasses.dataclass(frozen=True)
class Stop:
    """A command, and the status that the server comes to rest in."""

    command: str
    status: str = 'ACTIVE'
    # How many ports it has then, where that changes.
    ports: int | None = None


def verbs(choices: Choices) -> Iterator[Stop]:
    yield Stop('server stop {server}', 'SHUTOFF')
    yield Stop('server start {server}')
    yield Stop('server pause {server}', 'PAUSED')
    yield Stop('server unpause {server}')
    yield Stop('server suspend {server}', 'SUSPENDED')
    yield Stop('server resume {server}')
    yield Stop('server reboot {server}')
    yield Stop('server reboot --hard {server}')
    yield Stop('server lock --reason why {server}')
    yield Stop('server unlock {server}')
    yield Stop(f'server add network {{server}} {choices.network}', ports=2)
    yield Stop('server remove port {server} {second_port}', ports=1)
    yield Stop(f'server image create --name {NAME}-image --wait {{server}}')
    yield Stop(f'server backup create --name {NAME}-backup --type daily --rotate 1 --wait {{server}}')
    yield Stop('server rescue {server}', 'RESCUE')
    yield Stop('server unrescue {server}')
    yield Stop(f'server rebuild --image {NAME}-image --wait {{server}}')
    yield Stop(f'server resize --flavor {choices.other_flavor} {{server}}', 'VERIFY_RESIZE')
    yield Stop('server resize confirm {server}')
    yield Stop(f'server resize --flavor {choices.flavor} {{server}}', 'VERIFY_RESIZE')
    yield Stop('server resize revert {server}')
    yield Stop('server shelve --offload {server}', 'SHELVED_OFFLOADED')
    yield Stop('server unshelve {server}')


class Journey:
    """`run(words)` runs `openstack` with the words, and gives what it prints; it raises where the command fails."""

    def __init__(self, run: Callable[[list[str]], str], choices: Choices):
        self._run, self._choices = run, choices

    def whole(self) -> Iterator[tuple[str, float]]:
        """The commands and the seconds until the server was at rest. Whatever happens, nothing is left behind."""
        asked = f'server create --image {self._choices.image} --flavor {self._choices.flavor}'
        began = time.monotonic()
        server = self._json(f'{asked} --network {self._choices.network} --wait {NAME}')['id']
        try:
            yield 'server create --wait', time.monotonic() - began
            for stop in verbs(self._choices):
                began = time.monotonic()
                self._say(stop.command.format(server=server, second_port=self._second_port(stop, server)))
                self._rest(server, stop)
                yield stop.command.format(server=NAME, second_port='PORT'), time.monotonic() - began
        finally:
            began = time.monotonic()
            self._say(f'server delete --wait {server}')
            self._clear_images()
        yield 'server delete --wait', time.monotonic() - began
        left = self._ports(server)
        assert not left, f'Ports were left behind: {left}'

    def _second_port(self, stop: Stop, server: str) -> str:
        if '{second_port}' not in stop.command:
            return ''
        return self._ports(server)[1]

    def _ports(self, server: str) -> list[str]:
        return [port['ID'] for port in self._json(f'port list --device-id {server}')]

    def _rest(self, server: str, stop: Stop) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            shown = self._json(f'server show {server}')
            at_rest = shown['OS-EXT-STS:task_state'] is None
            if at_rest and shown['status'] == stop.status and stop.ports in (None, len(self._ports(server))):
                return
            failed = shown['status'] == 'ERROR' or time.monotonic() > until
            assert not failed, f'After `{stop.command}` the server is {shown["status"]}: {shown.get("fault")}'
            time.sleep(0.5)

    def _clear_images(self) -> None:
        for image in self._json('image list --private'):
            if image['Name'].startswith(NAME):
                self._say(f'image delete {image["ID"]}')

    def _say(self, command: str) -> str:
        return self._run(command.split())

    def _json(self, command: str):
        return json.loads(self._run([*command.split(), '-f', 'json']))
