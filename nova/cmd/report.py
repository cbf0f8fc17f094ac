"""Write a report of a running daemon: its version, threads, processes and configuration."""

import datetime
import os
import sys
from importlib import metadata

from oslo_config import cfg


def declare(conf: cfg.ConfigOpts) -> None:
    """Declare [oslo_reports] log_dir, the directory that reports are written to."""
    from oslo_reports import opts

    opts.set_defaults(conf)


def write(conf: cfg.ConfigOpts, prog: str) -> str | None:
    """Write the report to a file in [oslo_reports] log_dir and return its path, or without one to stderr."""
    text = compose(conf)
    directory = conf.oslo_reports.log_dir
    if not directory:
        print(text, file=sys.stderr, flush=True)
        return None
    moment = datetime.datetime.now(datetime.UTC).strftime('%Y%m%d%H%M%S')
    path = os.path.join(directory, f'{prog}_gurumeditation_{moment}_{os.getpid()}')
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, 'w') as file:
        file.write(text)
    return path


def compose(conf: cfg.ConfigOpts) -> str:
    """The report as text; what is secret in the configuration is masked."""
    from oslo_reports import report
    from oslo_reports.generators import conf as configuration
    from oslo_reports.generators import process, threading, version

    composed = report.TextReport('Report')
    composed.add_section('Package', version.PackageReportGenerator(_Version()))
    composed.add_section('Threads', threading.ThreadReportGenerator())
    if 'eventlet' in sys.modules:
        composed.add_section('Green Threads', threading.GreenThreadReportGenerator())
    composed.add_section('Processes', process.ProcessReportGenerator())
    composed.add_section('Configuration', configuration.ConfigReportGenerator(conf))
    return composed.run()


class _Version:
    """The shape in which oslo.reports asks for a version."""

    def vendor_string(self) -> str:
        return 'nova'

    def product_string(self) -> str:
        return 'nova'

    def version_string_with_package(self) -> str:
        return metadata.version('nova')
