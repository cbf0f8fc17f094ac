"""Notifications leave in the background, in the formats that are wished for, and nobody fails with the bus."""

import logging
import queue
import threading

import pytest

import nova.conf
from nova.domain.notifications import Notification
from nova.rpc import notifier
from nova.rpc.bus import oslo_messaging

PAYLOAD = {
    'nova_object.name': 'KeypairPayload',
    'nova_object.namespace': 'nova',
    'nova_object.version': '1.0',
    'nova_object.data': {'name': 'k'},
}


def configured(tmp_path, *lines, driver='messagingv2'):
    path = tmp_path / 'nova.conf'
    path.write_text(
        '\n'.join(
            [
                '[DEFAULT]',
                'host = here',
                '[oslo_messaging_notifications]',
                f'driver = {driver}',
                'transport_url = fake://',
                *lines,
            ]
        )
    )
    return nova.conf.load([], 'nova-test', default_config_files=[str(path)])


class Listener:
    """What consumers of these topics get."""

    def __init__(self, conf, *topics):
        self.got = queue.Queue()
        # One exchange for all in this process: topics of the test's own keep tests apart.
        self._server = oslo_messaging.get_notification_listener(
            oslo_messaging.get_notification_transport(conf, url='fake://'),
            [oslo_messaging.Target(topic=topic) for topic in topics],
            [self],
            executor='threading',
        )

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *failure):
        self._server.stop()
        self._server.wait()

    def info(self, context, publisher_id, event_type, payload, metadata):
        self.got.put(('info', context, publisher_id, event_type, payload))

    def debug(self, context, publisher_id, event_type, payload, metadata):
        self.got.put(('debug', context, publisher_id, event_type, payload))

    def error(self, context, publisher_id, event_type, payload, metadata):
        self.got.put(('error', context, publisher_id, event_type, payload))

    def next(self):
        return self.got.get(timeout=30)


def tell(made, event_type='keypair.create.end', priority='INFO'):
    made.send([made.notification('nova-api', event_type, PAYLOAD, priority)])
    assert made.flush(30)


def test_a_versioned_notification(tmp_path):
    conf = configured(
        tmp_path, '[notifications]', 'notification_format = versioned', 'versioned_notifications_topics = a, b'
    )
    made = notifier.of(conf)
    with Listener(conf, 'a') as one, Listener(conf, 'b') as other:
        tell(made)
        expected = ('info', {}, 'nova-api:here', 'keypair.create.end', PAYLOAD)
        assert (one.next(), other.next()) == (expected, expected)
    assert (made.sent, made.dropped) == (1, 0)


def test_an_unversioned_notification_with_its_own_level(tmp_path):
    conf = configured(tmp_path, 'topics = c', '[notifications]', 'default_level = DEBUG')
    made = notifier.of(conf)
    with Listener(conf, 'c') as listener:
        tell(made)
        assert listener.next() == ('debug', {}, 'nova-api:here', 'keypair.create.end', {'name': 'k'})
        tell(made, 'compute.exception', 'ERROR')
        assert listener.next()[0] == 'error'


def test_both(tmp_path):
    conf = configured(
        tmp_path, 'topics = d', '[notifications]', 'notification_format = both', 'versioned_notifications_topics = e'
    )
    made = notifier.of(conf)
    with Listener(conf, 'd') as plain, Listener(conf, 'e') as versioned:
        tell(made)
        assert (plain.next()[4], versioned.next()[4]) == ({'name': 'k'}, PAYLOAD)


@pytest.mark.parametrize('driver', ['noop', ''])
def test_without_a_driver_there_is_no_notifier(tmp_path, driver):
    made = notifier.of(configured(tmp_path, driver=driver))
    assert not made.on
    made.send([made.notification('nova-api', 'x', PAYLOAD)])
    assert made.flush(0)
    assert (made.sent, made._thread) == (0, None)


def test_old_names_of_options(tmp_path):
    conf = configured(
        tmp_path,
        '[DEFAULT]',
        'notification_format = both',
        'notify_on_state_change = vm_state',
        'default_notification_level = WARN',
    )
    wishes = notifier.of(conf).wishes
    assert (wishes.format, wishes.on_state_change, wishes.default_level) == ('both', 'vm_state', 'WARN')


def test_what_the_library_fails_to_send_is_dropped_and_said_once(tmp_path, caplog):
    made = notifier.of(configured(tmp_path, '[notifications]', 'notification_format = versioned'))
    outlet, settled = made._deliver, []
    outlet._notifiers = outlet._made()
    (sender,) = outlet._notifiers.values()
    # Under what watches it.
    sender.transport._driver.send_notification = broken
    for _number in range(3):
        made.send([made.notification('nova-api', 'x', PAYLOAD)], settled.append)
    assert made.flush(30)
    assert (made.sent, made.dropped, settled) == (0, 3, [False] * 3)
    assert [record.levelno for record in caplog.records if record.levelno >= logging.WARNING] == [logging.WARNING]


def broken(*arguments, **options):
    raise oslo_messaging.MessageDeliveryFailure('The bus is away.')


def test_what_is_told_faster_than_it_can_be_sent_is_dropped():
    opened, settled = threading.Event(), []
    made = notifier.Notifier(lambda told: opened.wait(30), most_waiting=2)
    for _number in range(10):
        made.send([Notification('x', {}, 'y')], settled.append)
    opened.set()
    assert made.flush(30)
    assert made.sent + made.dropped == 10
    assert 2 <= made.sent <= 3
    assert sorted(settled) == [False] * made.dropped + [True] * made.sent


def test_a_batch_is_sent_in_its_order_or_not_to_its_end():
    sent = []

    def deliver(told):
        if told.event_type == 'c':
            raise ConnectionError
        sent.append(told.event_type)

    settled, made = [], notifier.Notifier(deliver)
    made.send([Notification(name, {}, 'y') for name in 'ab'], lambda whole: settled.append(('ab', whole)))
    made.send([Notification(name, {}, 'y') for name in 'acd'], lambda whole: settled.append(('acd', whole)))
    assert made.flush(30)
    assert sent == ['a', 'b', 'a']
    assert settled == [('ab', True), ('acd', False)]
    assert (made.sent, made.dropped) == (3, 2)
