"""The error whose sentence is for the person at the terminal."""


class Refusal(Exception):
    """Something a person can put right; the message says what it is and what to do."""
