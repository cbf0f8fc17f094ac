"""The end of a console log, by lines and by bytes."""

import pytest

from nova.virt.libvirt import console_log


@pytest.fixture
def log(tmp_path):
    def write(current, rotated=None):
        (tmp_path / 'console.log').write_bytes(current)
        if rotated is not None:
            (tmp_path / 'console.log.0').write_bytes(rotated)
        return str(tmp_path / 'console.log')

    return write


@pytest.mark.parametrize(
    ('lines', 'expected'),
    [(None, b'a\nb\nc\n'), (2, b'b\nc\n'), (9, b'a\nb\nc\n'), (0, b''), (-1, b'')],
)
def test_the_last_lines_are_given(log, lines, expected):
    assert console_log.tail(log(b'a\nb\nc\n'), lines) == expected


def test_an_unfinished_line_counts(log):
    assert console_log.tail(log(b'a\nlogin: '), 1) == b'login: '


def test_older_output_comes_from_the_rotated_log(log):
    assert console_log.tail(log(b'c\n', b'a\nb\n'), 2) == b'b\nc\n'


def test_no_more_than_the_most_is_given(log):
    assert console_log.tail(log(b'x' * 500, b'y' * 500), most=600) == b'y' * 100 + b'x' * 500
    assert len(console_log.tail(log(b'z' * 300_000))) == console_log.MOST


def test_no_log_is_no_output(tmp_path):
    assert console_log.tail(str(tmp_path / 'console.log')) == b''
