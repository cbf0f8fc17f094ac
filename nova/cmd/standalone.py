"""nova-standalone: a whole cloud on one machine."""

import sys

from nova.standalone import cli


def main() -> int:
    return cli.main()


if __name__ == '__main__':
    sys.exit(main())
