"""The certificates by which the machine takes boot/front.py for AWS: an authority that only this machine trusts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

VALID_DAYS = 3650
"""As long as an image may be kept."""


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """In PEM."""

    authority: bytes
    front: bytes
    """Certificate and private key of the front."""


def make(region: str) -> Certificates:
    """Makes an authority and a certificate of the front for every name of AWS in a region. The authority's key is not
    kept: nobody can sign another certificate that the machine would trust."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "FixRx boot")])
    authority = (
        _builder(authority_name, authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    front_key = ec.generate_private_key(ec.SECP256R1())
    front_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "amazonaws.com")])
    names = [
        "*.amazonaws.com",
        f"*.{region}.amazonaws.com",
        f"*.s3.{region}.amazonaws.com",
        "truststore.pki.rds.amazonaws.com",
    ]
    front = (
        _builder(front_name, authority_name, front_key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = front_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Certificates(
        authority=authority.public_bytes(Encoding.PEM), front=front.public_bytes(Encoding.PEM) + private
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
    )
