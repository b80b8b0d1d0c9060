"""Fuzz: a real Kafka, a worker with routes and a bot, and a board; for some minutes whatever anybody could send them.

    make fuzz                           # ten minutes, seed drawn and told
    make fuzz MINUTES=1 SEED=7          # a shorter one, with the records and requests of that seed

Records go to every topic that a worker or a board reads (`records.py`), requests to every page of both (`requests.py`),
envelopes over the bot's websocket (`envelopes.py`). Among them are good usage events, whose totals have to be exact in
the end. `watching.py` says what must never be: a process that ends, an answer of 500 or more, a traceback, a task that
fails, a secret in an answer, a log, a metric or a record; and how much memory is taken. A finding tells what did it,
and the records since the last look are kept in .cache/fuzz.

Not sent, as what the application keeps for itself is believed like a file of its own: the changelogs; and on its other
internal topics records that are whole and lie, such as a clock of the year 2099, or those of another version, on which
a worker ends by intention. Whoever may write there can change the state itself, and no one but workers needs to. What
is damaged, or somebody else's, is sent to them like everywhere.
"""
