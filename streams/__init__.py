"""slackwater's streaming side: detection, the Faust runtime, brokers, simulator and command line."""
