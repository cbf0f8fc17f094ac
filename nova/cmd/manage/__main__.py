"""Lets `python -m nova.cmd.manage` do what nova-manage does."""

from nova.cmd.manage import main

main()
