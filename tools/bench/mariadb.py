"""A private MariaDB server for one measurement."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pymysql

# Every database that a cloud may want; a prefix of their URLs is all that the cloud is told.
DATABASES = ('nova_api', 'nova_cell0', 'nova_cell1', 'keystone', 'glance', 'placement', 'neutron', 'nova_network')


class MariaDB:
    """`with MariaDB(directory, port) as server:` gives a server that is gone afterwards. `url` is the prefix of its URLs."""

    def __init__(self, directory: Path, port: int):
        self._directory, self._port = directory, port
        self.url = f'mysql+pymysql://nova:nova@127.0.0.1:{port}'

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> 'MariaDB':
        self._directory.mkdir(parents=True)
        as_root = ['--user=root'] if os.geteuid() == 0 else []
        common = ['--no-defaults', f'--datadir={self._directory}/data', *as_root]
        subprocess.run(
            ['mariadb-install-db', *common, '--auth-root-authentication-method=normal', '--skip-test-db'],
            check=True,
            capture_output=True,
            text=True,
        )
        program = shutil.which('mariadbd') or '/usr/sbin/mariadbd'
        self._process = subprocess.Popen(
            [
                program,
                *common,
                f'--port={self._port}',
                '--bind-address=127.0.0.1',
                f'--socket={self._directory}/socket',
                '--max-connections=500',
                '--skip-name-resolve',
                f'--log-error={self._directory}/log',
            ]
        )
        self._prepare()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _prepare(self) -> None:
        for _try in range(150):
            try:
                connection = pymysql.connect(unix_socket=f'{self._directory}/socket', user='root', autocommit=True)
                break
            except pymysql.err.OperationalError:
                time.sleep(0.1)
        else:
            raise RuntimeError(f'MariaDB did not start: {(self._directory / "log").read_text()[-2000:]}')
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER nova@'127.0.0.1' IDENTIFIED BY 'nova'")
            cursor.execute("GRANT ALL ON *.* TO nova@'127.0.0.1'")
            for name in DATABASES:
                cursor.execute(f'CREATE DATABASE {name} CHARACTER SET utf8mb4')
