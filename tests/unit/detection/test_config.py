"""The engine's settings."""

from __future__ import annotations

import pickle

from alerting.playbook import Play
from streams.detection.config import DetectionConfig


def test_another_process_gets_all_of_them() -> None:
    config = DetectionConfig(timezone="Europe/Berlin", let_go=("free",), plays=(Play("call"),), user_key=b"secret")
    assert pickle.loads(pickle.dumps(config)) == config
