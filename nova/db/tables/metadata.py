"""The two sets of tables: of the API database and of a cell's database."""

import sqlalchemy as sa

NAMES = {
    'ix': 'ix_%(table_name)s_%(column_0_N_name)s',
    'uq': 'uq_%(table_name)s_%(column_0_N_name)s',
    'fk': 'fk_%(table_name)s_%(column_0_name)s',
    'pk': 'pk_%(table_name)s',
}

api = sa.MetaData(naming_convention=NAMES)
cell = sa.MetaData(naming_convention=NAMES)
