"""A real Kafka that asks who is there: TLS with certificates of clients, and passwords, with ACLs or without.

    certificates = Certificates(tmp_path)
    async with SecuredKafka(certificates, {"worker": "right-password"}) as broker:
        settings = load_settings(broker.environment("worker", "SCRAM-SHA-512"))

Its plain listener is that of the administrator.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are documented there
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from streams.broker import KafkaBroker
from streams.broker.ready import free_port
from streams.runtime.acls import Acl
from tests import needs

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_PROPERTIES = """\
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port},\
SSL://127.0.0.1:{ssl_port},SASL_SSL://127.0.0.1:{sasl_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SSL://127.0.0.1:{ssl_port},SASL_SSL://127.0.0.1:{sasl_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
listener.name.ssl.ssl.client.auth=required
listener.name.ssl.ssl.principal.mapping.rules=RULE:^CN=([^,]*).*$/$1/
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config={module}.plain.PlainLoginModule required {plain};
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={module}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={module}.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found={trusting}
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Certificates:
    """A certificate authority of a test's own, and what it signed, as PEM files in a folder."""

    def __init__(self, folder: Path) -> None:
        needs.program("openssl")
        self._folder = folder
        self.ca = folder / "ca.crt"
        _openssl("req", "-x509", *_KEY, "-subj", "/CN=ca", "-days", "30", "-keyout", folder / "ca.key", "-out", self.ca)

    def issue(self, name: str, *, days: int = 30, address: str = "127.0.0.1") -> tuple[Path, Path]:
        """A certificate for a name, and its key. `days` below 0: one that has expired."""
        key, request, certificate, more = (self._folder / f"{name}.{end}" for end in ("key", "csr", "crt", "ext"))
        more.write_text(f"subjectAltName=IP:{address}\n")
        _openssl("req", *_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        signed_by = ("-CA", self.ca, "-CAkey", self._folder / "ca.key", "-CAcreateserial")
        _openssl("x509", "-req", "-in", request, *signed_by, "-extfile", more, "-days", str(days), "-out", certificate)
        return certificate, key

    def encrypted(self, name: str) -> Path:
        """The key of a name that was issued a certificate, behind a password."""
        path = self._folder / f"{name}.encrypted"
        _openssl("pkey", "-in", self._folder / f"{name}.key", "-aes256", "-passout", "pass:secret", "-out", path)
        return path


class SecuredKafka(KafkaBroker):
    """Apache Kafka with two more listeners: `SSL`, which asks clients for a certificate, and `SASL_SSL`, which asks for
    the password of one of `users`. Without `trusting` a user may do only what `allow` says."""

    def __init__(self, certificates: Certificates, users: Mapping[str, str], *, trusting: bool = True) -> None:
        super().__init__()
        self.certificates = certificates
        self.ports = {"SSL": free_port(), "SASL_SSL": free_port()}
        self._users = users
        self._trusting = trusting

    def environment(self, user: str, mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
        """Settings with which a user comes in; a `mechanism` of SSL is a certificate."""
        protocol = "SSL" if mechanism == "SSL" else "SASL_SSL"
        common = {
            "SLACKWATER_BROKERS": f"127.0.0.1:{self.ports[protocol]}",
            "SLACKWATER_SECURITY_PROTOCOL": protocol,
            "SLACKWATER_SSL_CAFILE": str(self.certificates.ca),
        }
        if protocol == "SSL":
            certificate, key = self.certificates.issue(user)
            return common | {"SLACKWATER_SSL_CERTFILE": str(certificate), "SLACKWATER_SSL_KEYFILE": str(key)}
        return common | {
            "SLACKWATER_SASL_MECHANISM": mechanism,
            "SLACKWATER_SASL_PLAIN_USERNAME": user,
            "SLACKWATER_SASL_PLAIN_PASSWORD": self._users[user],
        }

    def allow(self, user: str, acls: list[Acl]) -> None:
        """Give a user these rights."""
        admin = self._admin()
        for made in admin.create_acls([AclBinding(*_fields(user, each)) for each in acls]).values():
            made.result(timeout=20)

    def disallow(self, user: str, acl: Acl) -> None:
        """Take a right away."""
        admin = self._admin()
        for removed in admin.delete_acls([AclBindingFilter(*_fields(user, acl))]).values():
            assert len(removed.result(timeout=20)) == 1

    def _admin(self) -> AdminClient:
        """To be kept until it has answered."""
        return AdminClient({"bootstrap.servers": self.address})

    def _more_properties(self, port: int, controller_port: int) -> str:
        certificate, key = self.certificates.issue("broker")
        keystore = certificate.with_suffix(".pem")
        keystore.write_text(key.read_text() + certificate.read_text())
        return _PROPERTIES.format(
            port=port,
            controller_port=controller_port,
            ssl_port=self.ports["SSL"],
            sasl_port=self.ports["SASL_SSL"],
            keystore=keystore,
            ca=self.certificates.ca,
            module="org.apache.kafka.common.security",
            plain=" ".join(f'user_{name}="{password}"' for name, password in self._users.items()),
            trusting=str(self._trusting).lower(),
        )

    def _format_options(self) -> list[str]:
        scrams = [mechanism for mechanism in MECHANISMS if mechanism != "PLAIN"]
        return [
            option
            for name, password in self._users.items()
            for mechanism in scrams
            for option in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
        ]


Fields = tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]


def _fields(user: str, acl: Acl) -> Fields:
    kind = ResourceType[acl.resource.upper().replace("-", "_")]
    pattern = ResourcePatternType.PREFIXED if acl.prefixed else ResourcePatternType.LITERAL
    operation = AclOperation[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", acl.operation).upper()]
    return kind, acl.name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
