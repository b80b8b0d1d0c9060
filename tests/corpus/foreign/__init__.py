"""What others' own programs wrote, kept as they wrote it."""

import json
from pathlib import Path
from typing import Any, Final

_HERE: Final = Path(__file__).parent
SEGMENT_LIBRARY: Final = _HERE / "segment_library.jsonl"
"""Messages of Segment's library for Python, as a server got them: see `segment_library.py`."""
STRIPE_OBJECTS: Final = _HERE / "stripe_objects.jsonl"
"""Objects of Stripe's own mock, in the shapes of its older API and of the one since 2025: see `stripe_objects.py`."""


def stripe_object(shape: str, name: str) -> dict[str, Any]:
    """One of them, to be changed as one likes. `shape`: old or new."""
    for line in map(json.loads, STRIPE_OBJECTS.read_text(encoding="utf-8").splitlines()):
        if (line["shape"], line["name"]) == (shape, name):
            found: dict[str, Any] = line["object"]
            return found
    raise KeyError(f"{shape} {name}")
