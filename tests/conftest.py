"""The option that says on which databases tests of whole clouds run, and what tests have counted, at the end of a run."""

import gc

import pytest

from tests.fakes import databases

# What a test records under this name is shown at the end.
FIGURES = 'figures'


def pytest_addoption(parser):
    parser.addoption(
        '--database',
        choices=[*databases.KINDS, databases.ALL],
        help='what the clouds of tests/functional, and that of the clients in tests/integration, keep their data in; '
        'default: SQLite, for functional tests that are marked every_database all three, for the clients MariaDB',
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    """Thousands of tests are there to the end: nobody need look at each of them again for garbage."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter):
    told = [
        f'{report.nodeid}: {value}'
        for outcome in ('passed', 'failed')
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == FIGURES and report.when == 'call'
    ]
    if told:
        terminalreporter.section('figures')
        for line in told:
            terminalreporter.write_line(line)
