"""`python -m streams` is `slackwater`."""

from streams.cli import main

main()
