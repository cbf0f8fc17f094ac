"""A whole cloud on one machine, made of the real parts: start reading at `cloud.py`."""
