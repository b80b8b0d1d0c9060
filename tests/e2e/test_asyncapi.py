"""The AsyncAPI document is sound in the eyes of AsyncAPI's own parser."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

from schemas.export import TOPICS
from streams.cli.asyncapi import asyncapi
from streams.runtime.settings import Settings
from tests import needs

PARSER = "@asyncapi/parser@3.6.0"
SCRIPT = """
const { Parser } = require('@asyncapi/parser');
let text = ''; process.stdin.on('data', (part) => text += part).on('end', async () => {
  const all = [];
  for (const source of JSON.parse(text)) {
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(source));
    all.push({ channels: document ? document.channels().length : 0,
               faults: diagnostics.filter((each) => each.severity === 0).map((each) => each.message) });
  }
  console.log(JSON.stringify(all));
});
"""


def parsed(home: Path, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the parser says of each."""
    needs.program("npm")
    subprocess.run(["npm", "install", "--silent", "--prefix", home, PARSER], check=True, timeout=110)
    (home / "parse.js").write_text(SCRIPT)
    text = json.dumps(documents)
    ran = subprocess.run(["node", "parse.js"], cwd=home, input=text, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def test_the_document_is_sound_and_one_that_is_not_is_seen(tmp_path: Path) -> None:
    sound = asyncapi(Settings())
    secure = asyncapi(Settings(security_protocol="SSL", topic_prefix="eu.", partitions=8))
    wrong_action, wrong_reference = copy.deepcopy(sound), copy.deepcopy(sound)
    wrong_action["operations"]["receive-usage"]["action"] = "publish"
    wrong_reference["channels"]["alerts"]["messages"]["alerts"]["$ref"] = "#/components/messages/alarms"
    found = parsed(tmp_path, [sound, secure, wrong_action, wrong_reference])
    assert [(each["channels"], each["faults"]) for each in found[:2]] == [(len(TOPICS), [])] * 2
    assert all(each["faults"] for each in found[2:])
