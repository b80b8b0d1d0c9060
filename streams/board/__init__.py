"""The board: what a customer-success team opens in the morning.

Pages of its own command and port, made of the accounts' pictures on the health topic; what people do there goes to the
commands topic. It knows nothing of the workers.
"""
