"""Everything that runs: the Faust application, its tasks and transactions, clocks, metrics and settings."""
