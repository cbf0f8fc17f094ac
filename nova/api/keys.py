"""Make, read and fingerprint the keys of key pairs."""

import base64
import datetime
import hashlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from nova import errors

_BITS = 2048
_COMMENT = 'Generated-by-Nova'
_YEARS = 10
# Microsoft's user principal name, which Windows guests match a certificate to a user by.
_PRINCIPAL_NAME = x509.ObjectIdentifier('1.3.6.1.4.1.311.20.2.3')


def fingerprint(kind: str, public: str) -> str:
    """The fingerprint of a public key (`ssh`) or certificate (`x509`); Invalid if it is none."""
    try:
        return _certificate_print(public) if kind == 'x509' else _ssh_print(public)
    except (ValueError, IndexError, UnsupportedAlgorithm):
        raise errors.Invalid('Keypair data is invalid: failed to generate fingerprint')


def generate(kind: str, user_id: str) -> tuple[str, str]:
    """A new private key, and its public key or certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    if kind == 'x509':
        return _private(key, serialization.PrivateFormat.PKCS8), _certificate(key, user_id)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return _private(key, serialization.PrivateFormat.TraditionalOpenSSL), f'{public.decode()} {_COMMENT}\n'


def _private(key: rsa.RSAPrivateKey, form: serialization.PrivateFormat) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _ssh_print(public: str) -> str:
    serialization.load_ssh_public_key(public.strip().encode('utf-8'))
    blob = base64.b64decode(public.split()[1])
    return _colons(hashlib.md5(blob, usedforsecurity=False).hexdigest())


def _certificate_print(public: str) -> str:
    certificate = x509.load_pem_x509_certificate(public.strip().encode('ascii'))
    return _colons(certificate.fingerprint(hashes.SHA1()).hex())


def _certificate(key: rsa.RSAPrivateKey, user_id: str) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, user_id[:64])])
    now = datetime.datetime.now(datetime.UTC)
    principal = x509.OtherName(_PRINCIPAL_NAME, _utf8_string(f'{user_id}@localhost'))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([principal]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _utf8_string(text: str) -> bytes:
    """A UTF8String in DER."""
    raw = text.encode()
    size = len(raw)
    length = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b'\x82' + size.to_bytes(2, 'big')
    return b'\x0c' + length + raw


def _colons(digest: str) -> str:
    return ':'.join(digest[place : place + 2] for place in range(0, len(digest), 2))
