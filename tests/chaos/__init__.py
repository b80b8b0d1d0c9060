"""Chaos: the real worker on a real Apache Kafka, things going wrong while events come in, and in the end exactly what
the pure engine makes of the same events.

    make chaos                          # every story once, seed drawn and told
    make chaos STORY=sigkill SEED=7     # one of them again
    make chaos ROUNDS=10                # ten seeds in a row

A story is a file in `stories/` that holds one fault: `STORY = Story(tell)`, where `tell(chaos)` does the damage while
the events come in, part by part (`chaos.part`). Everything else is the harness's: the load (`load.py`), the broker and
the workers (`fleet.py`, `harness.py`), and what has to be true in the end (`checks.py`, `segments.py`).

The seed draws the load and the moments of the damage; what the machine makes of these is its own. A story that fails
tells its seed and keeps its logs in .cache/chaos; of a worker that does not end it is told where it stands. The story
`clock_jumps` needs libfaketime (Debian: apt-get install libfaketime) and says so where that is missing.
"""
