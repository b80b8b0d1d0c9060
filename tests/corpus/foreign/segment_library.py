"""Writes `segment_library.jsonl` anew: `python -m tests.corpus.foreign.segment_library`.

It needs `segment-analytics-python` (made with 2.4.0), which cannot live beside the project's own dependencies: it wants
an older python-dateutil than they have. So it is run by hand, in an environment that has it, and what a real server
was sent is kept.
"""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from tests.corpus.foreign import SEGMENT_LIBRARY

WHEN = datetime(2025, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


class _Server(BaseHTTPRequestHandler):
    messages: list[dict[str, Any]] = []  # noqa: RUF012 - the server makes the handler, one a request

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.messages.extend(body["batch"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def main() -> None:
    """Every call of the library, to a server of our own."""
    from segment.analytics.client import Client

    server = HTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = Client("key", host=f"http://127.0.0.1:{server.server_port}")
    context = {"groupId": "acct-1"}
    client.track("u-7", "Report Viewed", {"rows": 3}, context=context, timestamp=WHEN, message_id="m-1")
    client.page("u-7", "Docs", "Pricing", {"url": "/pricing"}, context=context, timestamp=WHEN, message_id="m-2")
    client.screen("u-7", None, "Home", context=context, timestamp=WHEN, message_id="m-3")
    client.identify("u-7", {"name": "Ann"}, context={"active": False, **context}, timestamp=WHEN, message_id="m-4")
    traits = {"name": "Initech", "plan": "enterprise", "employees": 329}
    client.group("u-7", "acct-1", traits, timestamp=WHEN, message_id="m-5")
    client.alias("old", "u-7", timestamp=WHEN, message_id="m-6")
    client.track("u-8", "Report Viewed", context=context, message_id="m-7")  # the time is the library's own
    client.flush()
    client.join()
    server.shutdown()
    lines = [json.dumps(message, sort_keys=True) for message in _Server.messages]
    SEGMENT_LIBRARY.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
