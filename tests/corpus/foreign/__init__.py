"""What others' own programs wrote, kept as they wrote it."""

from pathlib import Path
from typing import Final

SEGMENT_LIBRARY: Final = Path(__file__).parent / "segment_library.jsonl"
"""Messages of Segment's library for Python, as a server got them: see `segment_library.py`."""
