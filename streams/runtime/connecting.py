"""Why a Kafka lets nobody in: what is wrong, and which setting to look at.

The client tells only that no broker could be used, whatever the reason was. So each address is asked once more, and
what goes wrong there is put into words; never with a secret.
"""

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Any, Final, NamedTuple

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from schemas.errors import BrokerError
from streams.runtime.settings import Settings

_PATIENCE: Final = 5.0
_EXPIRED: Final = 10
_OTHER_NAMES: Final = (62, 64)
"""OpenSSL's codes of what is wrong with a certificate: the host's name, its address."""
_ALERT: Final = 0x15
"""A record of TLS that says no begins so (RFC 8446, section 5.1)."""


Address = tuple[str, int]
"""Host and port."""


class Trouble(NamedTuple):
    """Why an address cannot be used, and what to do."""

    text: str
    remedy: str


async def no_broker(settings: Settings, error: Exception) -> BrokerError:
    """The error for a client that could not start, which has failed with another."""
    reason = str(error) or type(error).__name__
    if isinstance(error, KafkaConnectionError):
        answers = {each: await ask(settings, each, _PATIENCE) for each in addresses(settings)}
        whys = [(address, why) for address, why in answers.items() if isinstance(why, Trouble)]
        reasons = [f"{host}:{port} {why.text}: {why.remedy}" for (host, port), why in whys]
        reason = "; ".join(reasons) or reason
    return BrokerError(f"no Kafka broker can be used at {settings.brokers}: {reason}")


def addresses(settings: Settings) -> list[Address]:
    """The brokers that are named in the settings."""
    return [(host, port) for host, port, _ in collect_hosts(settings.brokers, randomize=False)]


async def ask(settings: Settings, address: Address, patience: float) -> Trouble | list[Address]:
    """The addresses of all brokers, as the one there has them; or why it cannot be used. `patience`: in seconds."""
    options = settings.kafka()
    del options["bootstrap_servers"]
    connection: AIOKafkaConnection | None = None
    try:
        async with asyncio.timeout(patience):
            connection = await create_conn(*address, client_id=f"{settings.app_id}-asks", **options)
            answer: Any = await connection.send(MetadataRequest([]))
            return [(host, port) for _, host, port, *_ in answer.brokers]
    except (KafkaError, OSError) as error:  # TimeoutError and SSLError are OSErrors
        return trouble(settings, address[0], error)
    finally:
        if connection is not None:
            with suppress(KafkaError, OSError):
                connection.close()


def trouble(settings: Settings, host: str, error: Exception) -> Trouble:
    """What an error of a connection to a host comes from, in the words of whoever has to mend it."""
    protocol = f"SLACKWATER_SECURITY_PROTOCOL is {settings.security_protocol}"
    told: Trouble | None = None
    if isinstance(error, ssl.SSLCertVerificationError):
        told = _not_trusted(settings, host, error)
    elif isinstance(error, SaslAuthenticationFailed | UnsupportedSaslMechanismError | IllegalSaslStateError):
        told = _no_user(settings, error)
    elif isinstance(error.__cause__, ssl.SSLError):
        told = _not_let_in(settings, error.__cause__)
    elif isinstance(error.__cause__, asyncio.IncompleteReadError):
        told = _hung_up(settings, error.__cause__)
    elif isinstance(error, ssl.SSLError | ConnectionResetError) and settings.security_protocol.endswith("SSL"):
        told = Trouble(
            "ends the connection when TLS begins", f"{protocol}: the listener for TLS is perhaps at another port"
        )
    elif isinstance(error, socket.gaierror):
        told = Trouble(f"is not to be found ({error.strerror})", "see SLACKWATER_BROKERS, and whether DNS works")
    elif isinstance(error, ConnectionRefusedError):
        told = Trouble("has nobody who listens", "is the broker up? See SLACKWATER_BROKERS")
    elif isinstance(error, TimeoutError):
        told = Trouble("does not answer in time", "is the broker up, and does a firewall let this machine in?")
    unknown = f"cannot be used ({str(error) or type(error).__name__})"
    return told or Trouble(unknown, f"{protocol}; the broker's log says why")


def _not_trusted(settings: Settings, host: str, error: ssl.SSLCertVerificationError) -> Trouble:
    if error.verify_code == _EXPIRED:
        return Trouble("has a certificate that has expired", "renew it there")
    if error.verify_code in _OTHER_NAMES:
        return Trouble(
            f"has a certificate for other names than {host!r}",
            "use one of those in SLACKWATER_BROKERS, and in what the broker advertises, or have the certificate issued "
            "for this one, too",
        )
    by = str(settings.ssl_cafile) if settings.ssl_cafile else "not set, which means this machine's authorities"
    return Trouble(
        f"has a certificate that is not trusted ({error.verify_message})",
        f"SLACKWATER_SSL_CAFILE ({by}) has to hold the authority that signed it",
    )


def _no_user(settings: Settings, error: KafkaError) -> Trouble:
    mechanism = f"SLACKWATER_SASL_MECHANISM={settings.sasl_mechanism}"
    if isinstance(error, SaslAuthenticationFailed):
        return Trouble(
            f"does not take the user {settings.sasl_plain_username!r} with this password",
            "see SLACKWATER_SASL_PLAIN_USERNAME and SLACKWATER_SASL_PLAIN_PASSWORD, and whether the broker knows the "
            f"user by {mechanism}",
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return Trouble(f"does not know {mechanism}", "set another one")
    protocol = settings.security_protocol
    return Trouble(
        "asks for no password", f"set SLACKWATER_SECURITY_PROTOCOL={protocol.removeprefix('SASL_')}, not {protocol}"
    )


def _not_let_in(settings: Settings, error: ssl.SSLError) -> Trouble | None:
    """The broker has ended the handshake, for a certificate that it wants or does not like."""
    if "ALERT" not in (error.reason or ""):
        return None
    if settings.ssl_certfile is None:
        return Trouble("asks for a client's certificate", "set SLACKWATER_SSL_CERTFILE and SLACKWATER_SSL_KEYFILE")
    return Trouble(
        f"refuses the certificate of SLACKWATER_SSL_CERTFILE ({settings.ssl_certfile})",
        "it has expired, or is signed by nobody whom the broker trusts; see: openssl x509 -noout -enddate -issuer -in "
        f"{settings.ssl_certfile}",
    )


def _hung_up(settings: Settings, error: asyncio.IncompleteReadError) -> Trouble | None:
    """The broker has said nothing that this protocol could read."""
    protocol = settings.security_protocol
    if not protocol.endswith("SSL") and error.expected is not None and error.expected >> 24 == _ALERT:
        wanted = "SASL_SSL" if protocol.startswith("SASL") else "SSL, or to SASL_SSL"
        return Trouble("speaks TLS", f"set SLACKWATER_SECURITY_PROTOCOL to {wanted}, instead of {protocol}")
    if not protocol.startswith("SASL"):
        wanted = "SASL_SSL" if protocol == "SSL" else "SASL_PLAINTEXT, or to SASL_SSL"
        return Trouble(
            "ends the connection without a word, as one does that asks for a user",
            f"set SLACKWATER_SECURITY_PROTOCOL to {wanted}, with SLACKWATER_SASL_MECHANISM and the user",
        )
    return None
