"""Column types that behave the same on SQLite, MariaDB, MySQL and PostgreSQL."""

import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

# Strings are compared by code point everywhere, so that pages of several cells can be merged by Python.
MYSQL_OPTIONS = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}
MYSQL_OPTIONS |= {name.replace('mysql', 'mariadb'): value for name, value in MYSQL_OPTIONS.items()}


def String(length: int = 255) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation='C'), 'postgresql')


def Long() -> sa.types.TypeEngine[str]:
    """Text of up to 16 MB."""
    return sa.Text().with_variant(mysql.MEDIUMTEXT(), 'mysql', 'mariadb')


class JSON(sa.types.TypeDecorator[Any]):
    """Plain data, kept as JSON text."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return mysql.MEDIUMTEXT() if dialect.name in ('mysql', 'mariadb') else sa.Text()

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else orjson.loads(value)


class Moment(sa.types.TypeDecorator[datetime.datetime]):
    """A point in time: aware in values, in UTC, kept to the microsecond."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return mysql.DATETIME(fsp=6) if dialect.name in ('mysql', 'mariadb') else sa.DateTime()

    def process_bind_param(self, value: datetime.datetime | None, dialect: sa.Dialect) -> datetime.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f'{value} has no time zone.')
        return value.astimezone(datetime.UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime.datetime | None, dialect: sa.Dialect) -> datetime.datetime | None:
        return None if value is None else value.replace(tzinfo=datetime.UTC)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
