"""Why a request came to no answer. An error's text may hold an address or a token, so that only its class goes on."""

from aiohttp import ClientConnectorCertificateError

from alerting.delivery.answers import Answer, Failure


def failed(error: Exception, status: int | None) -> Answer:
    """The answer of a request that ended with `error`, after `status` if it had come as far."""
    if isinstance(error, TimeoutError):
        failure = Failure.TIMEOUT
    elif isinstance(error, ClientConnectorCertificateError):
        failure = Failure.TLS
    else:
        failure = Failure.CONNECTION
    return Answer(status=status, failure=failure, detail=type(error).__name__)
