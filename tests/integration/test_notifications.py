"""Notifications over a real RabbitMQ: they arrive, and nobody waits for a broker that is away."""

import types

import pytest

import nova.conf
from nova.rpc import notifier
from nova.rpc.bus import oslo_messaging
from tests.integration.test_daemons import broker
from tests.unit.cmd.processes import eventually, free_port

pytestmark = pytest.mark.integration

PAYLOAD = {
    'nova_object.name': 'X',
    'nova_object.namespace': 'nova',
    'nova_object.version': '1.0',
    'nova_object.data': {},
}


class Listener:
    def __init__(self):
        self.got = []

    def info(self, context, publisher_id, event_type, payload, metadata):
        self.got.append(payload)


def test_they_arrive_and_are_dropped_while_the_broker_is_away(tmp_path):
    place = types.SimpleNamespace(directory=tmp_path, bus_port=free_port())
    (tmp_path / 'nova.conf').write_text(f"""[DEFAULT]
host = here
transport_url = rabbit://guest:guest@127.0.0.1:{place.bus_port}/
[oslo_messaging_notifications]
driver = messagingv2
retry = 0
[notifications]
notification_format = both
""")
    conf = nova.conf.load([], 'nova-test', default_config_files=[str(tmp_path / 'nova.conf')])
    made = notifier.of(conf)

    def tell():
        made.send([made.notification('nova-api', 'keypair.create.end', PAYLOAD)])
        return made.flush(60)

    assert tell()
    assert (made.sent, made.dropped) == (0, 1)
    with broker(place):
        eventually(lambda: tell() and made.sent)
        listener = Listener()
        topics = [oslo_messaging.Target(topic=topic) for topic in ('notifications', 'versioned_notifications')]
        transport = oslo_messaging.get_notification_transport(conf)
        server = oslo_messaging.get_notification_listener(transport, topics, [listener], executor='threading')
        server.start()
        try:
            assert tell()
            # Without and with versions.
            eventually(lambda: all(payload in listener.got for payload in ({}, PAYLOAD)))
        finally:
            server.stop()
            server.wait()
    assert tell()
    assert made.dropped >= 2
