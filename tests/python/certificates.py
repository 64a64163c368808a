"""Makes certificates, good ones and bad ones, for a door and its callers.

    target/python/bin/python tests/python/certificates.py FOLDER
"""

import datetime
import ipaddress
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def name(common, organisation="Acme"):
    parts = [(NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, common)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


class Maker:
    def __init__(self, folder):
        self.folder = folder

    def write(self, file, key, certificate):
        pem = serialization.Encoding.PEM
        with open(os.path.join(self.folder, f"{file}.key.pem"), "wb") as out:
            out.write(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        with open(os.path.join(self.folder, f"{file}.cert.pem"), "wb") as out:
            out.write(certificate.public_bytes(pem))

    def make(self, file, subject, issuer=None, usage=None, names=(), since=-DAY, until=30 * DAY, authority=False):
        key = ec.generate_private_key(ec.SECP256R1())
        signer, signed_by = issuer or (key, subject)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signed_by)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + since)
            .not_valid_after(NOW + until)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        self.write(file, key, builder.sign(signer, hashes.SHA256()))
        return key, subject


def main(folder):
    maker = Maker(folder)
    ours = maker.make("ca", name("callers"), authority=True)
    other = maker.make("other-ca", name("strangers"), authority=True)
    door = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    for file, authority in (("door", ours), ("new-door", other)):
        maker.make(file, name("localhost"), authority, Usage.SERVER_AUTH, door)
    client = {"issuer": ours, "usage": Usage.CLIENT_AUTH}
    maker.make("by-subject", name("erp"), **client)
    maker.make("by-name", name("whoever"), names=[x509.DNSName("desk.house.example")], **client)
    for role in ("seller", "carrier", "operator", "auditor", "administrator"):
        maker.make(f"role-{role}", name(role, "Roles"), **client)
    maker.make("unmapped", name("erp", "Another"), names=[x509.DNSName("desk.house.example.net")], **client)
    maker.make("expired", name("erp"), since=-3 * DAY, until=-DAY, **client)
    maker.make("not-yet", name("erp"), since=DAY, **client)
    maker.make("wrong-purpose", name("erp"), ours, Usage.SERVER_AUTH)
    maker.make("stranger", name("erp"), other, Usage.CLIENT_AUTH)
    maker.make("self-signed", name("erp"), usage=Usage.CLIENT_AUTH)


if __name__ == "__main__":
    main(*sys.argv[1:])
