"""Detection: an account's events in, transitions of its alerts out. Pure: no clock, no I/O, nothing drawn at random."""
