"""Writes the golden files anew: `python -m tests.contracts`. What a diff of them shows is a change of a promise."""

import json

from schemas.export import TOPICS, json_schema
from tests.contracts import golden

for topic in TOPICS:
    golden(topic).write_text(json.dumps(json_schema(topic), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
