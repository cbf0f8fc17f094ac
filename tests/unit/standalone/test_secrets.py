"""Passwords are made once and are nobody else's business."""

import stat
import threading

from nova.standalone.secrets import Secrets


def test_a_secret_stays_what_it_was(tmp_path):
    assert Secrets(tmp_path)['nova'] == Secrets(tmp_path)['nova']
    assert Secrets(tmp_path)['nova'] != Secrets(tmp_path)['glance']


def test_only_the_owner_may_read_it(tmp_path):
    Secrets(tmp_path)['nova']
    assert stat.S_IMODE((tmp_path / 'nova').stat().st_mode) == 0o600


def test_askers_at_the_same_time_get_the_same(tmp_path):
    answers = []
    askers = [threading.Thread(target=lambda: answers.append(Secrets(tmp_path)['nova'])) for _ in range(16)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(set(answers)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ['nova']
