"""Writes `stripe_objects.jsonl` anew: `python -m tests.corpus.foreign.stripe_objects OLD NEW`.

The two are programs of Stripe's own stripe-mock, which answers with the objects of its API's reference:

    GOBIN=/tmp/old go install github.com/stripe/stripe-mock@v0.162.0  # of 2023: the period is the subscription's
    GOBIN=/tmp/new go install github.com/stripe/stripe-mock@v0.203.0  # since 2025-03-31: the period is the item's

It is run by hand, and what came is kept as it came. The mock remembers nothing, and where the newer one's reference has
no example it makes values up, also in places that are usually null.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from streams.broker.ready import free_port
from tests.corpus.foreign import STRIPE_OBJECTS

SHAPES = ("old", "new")
OBJECTS = {
    "customer": ("POST", "/v1/customers", {"name": "Evergreen", "email": "jenny@example.com"}),
    "subscription": ("POST", "/v1/subscriptions", {"customer": "cus_1", "items[0][price]": "price_1"}),
    "expanded_subscription": ("GET", "/v1/subscriptions/sub_1", {"expand[]": "customer"}),
    "invoice": ("GET", "/v1/invoices/in_1", {}),
    "payment_method": ("GET", "/v1/payment_methods/pm_1", {}),
    "price": ("GET", "/v1/prices/price_1", {}),
    "charge": ("GET", "/v1/charges/ch_1", {}),
    "payment_intent": ("GET", "/v1/payment_intents/pi_1", {}),
    "event": ("GET", "/v1/events/evt_1", {}),
}


def main(programs: list[str]) -> None:
    """Every object of both."""
    lines = []
    for shape, program in zip(SHAPES, programs, strict=True):
        with _mock(program) as port:
            for name, (method, path, fields) in OBJECTS.items():
                line = {"shape": shape, "name": name, "object": _ask(port, method, path, fields)}
                lines.append(json.dumps(line, sort_keys=True))
    STRIPE_OBJECTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


@contextmanager
def _mock(program: str) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([program, "-http-port", str(port)], stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def _ask(port: int, method: str, path: str, fields: dict[str, str]) -> dict[str, Any]:
    query = urlencode(fields)
    headers = {"Authorization": "Bearer sk_test_123", "Content-Type": "application/x-www-form-urlencoded"}
    target, body = (path, query) if method == "POST" else (f"{path}?{query}", None)
    deadline = time.monotonic() + 30
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
            assert answer.status == 200, found
            return found
        except ConnectionRefusedError:  # it begins
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        finally:
            connection.close()


if __name__ == "__main__":
    main(sys.argv[1:])
