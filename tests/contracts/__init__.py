"""What is promised to users, as files: `<topic>.schema.json`. Written by `python -m tests.contracts`."""

from pathlib import Path


def golden(topic: str) -> Path:
    """The file that holds the promised schema of the topic's values."""
    return Path(__file__).parent / f"{topic}.schema.json"
