"""The option that says on which databases tests of whole clouds run."""

from tests.fakes import databases


def pytest_addoption(parser):
    parser.addoption(
        '--database',
        choices=[*databases.KINDS, databases.ALL],
        help='what the clouds of tests/functional, and that of the clients in tests/integration, keep their data in; '
        'default: SQLite, for functional tests that are marked every_database all three, for the clients MariaDB',
    )
