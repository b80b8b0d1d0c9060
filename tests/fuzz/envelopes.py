"""What comes over a bot's websocket, damaged: its worker takes presses from there."""

import json
import time
from collections import defaultdict
from random import Random
from typing import Any

from tests.fuzz.mutation import Mutator
from tests.slack_workspace import CHANNEL, Workspace


class Channel(Workspace):
    """A workspace that is answered whatever it sent."""

    def __init__(self) -> None:
        super().__init__()
        self._sent = defaultdict(time.monotonic)


class Envelopes:
    """Sends envelopes over a workspace's connections, as a seed says."""

    def __init__(self, slack: Workspace, number: int) -> None:
        self._slack = slack
        self._random = Random(number)
        self._mutator = Mutator(self._random)
        self._numbers = 0
        self.last = b""
        """What was sent last."""

    async def send(self) -> bool:
        """Send the next one, where there is a connection."""
        if not self._slack.sockets:
            return False
        self._numbers += 1
        text = self._mutator.changed(self._envelope())
        self.last = text
        socket = self._slack.sockets[0]
        try:
            if self._random.random() < 0.05:
                await socket.send_bytes(text)  # ends the connection: Slack sends text
            else:
                await socket.send_str(text.decode("utf-8", "replace"))
        except ConnectionError:
            return False
        return True

    def _envelope(self) -> dict[str, Any]:
        button = self._random.choice(("acknowledge", "snooze", "false_alarm", "saved", "lost"))
        action = {
            "type": "button",
            "action_ts": f"{time.time():.6f}",
            "block_id": "b",
            "action_id": f"slackwater.{button}",
            "value": json.dumps(["acme", self._random.choice(("*", "0" * 16))]),
        }
        payload = {
            "type": "block_actions",
            "user": {"id": "U0000000001", "username": "ann", "team_id": "T0000000001"},
            "container": {"type": "message", "message_ts": "1.1", "channel_id": CHANNEL},
            "response_url": f"http://{self._slack.address}/actions/SecretResponse",
            "actions": [action],
        }
        kind = self._random.choice(("interactive", "interactive", "interactive", "slash_commands", "hello"))
        return {"type": kind, "payload": payload, "envelope_id": f"e-{self._numbers}", "accepts_response_payload": True}
