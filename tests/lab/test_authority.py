"""The laboratory's certificates: whom they are for, who may read them, and how they are bad."""

from __future__ import annotations

import ssl
import stat

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from mapiproxy.lab.authority import Authority


def _names(path):
    leaf = x509.load_pem_x509_certificate(path.read_bytes())
    kinds = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        *kinds.get_values_for_type(x509.DNSName),
        *map(str, kinds.get_values_for_type(x509.IPAddress)),
    )


def test_without_names_a_certificate_is_for_this_machine(tmp_path):
    issued = Authority(tmp_path / "ca").issue()
    assert _names(issued.certificate) == ("localhost", "127.0.0.1", "::1")


def test_names_and_wildcards_and_addresses_end_up_in_the_certificate(tmp_path):
    issued = Authority(tmp_path / "ca").issue("*.lab.test", "mail.example.com", "::1")
    assert _names(issued.certificate) == ("*.lab.test", "mail.example.com", "::1")
    assert issued.certificate.name == "_.lab.test.crt"


def test_files_with_keys_are_for_their_owner_only(tmp_path):
    issued = Authority(tmp_path / "ca").issue("mail.lab.test")
    paths = (issued.key, issued.both, issued.write_pkcs12(b"secret"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600] * 3


def test_issuing_again_replaces_the_files(tmp_path):
    authority = Authority(tmp_path / "ca")
    before = authority.issue("mail.lab.test").certificate.read_bytes()
    assert authority.issue("mail.lab.test").certificate.read_bytes() != before


def test_the_standard_library_loads_what_was_written(tmp_path):
    authority = Authority(tmp_path / "ca", intermediate=True)
    issued = authority.issue("mail.lab.test", rsa_key=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    context.load_cert_chain(issued.both)
    context.load_verify_locations(authority.ca_file)


def test_an_intermediate_is_sent_behind_the_leaf(tmp_path):
    issued = Authority(tmp_path / "ca", intermediate=True).issue("mail.lab.test")
    leaf, link = x509.load_pem_x509_certificates(issued.certificate.read_bytes())
    leaf.verify_directly_issued_by(link)


def test_pkcs12_holds_the_same_leaf_and_needs_its_passphrase(tmp_path):
    issued = Authority(tmp_path / "ca", intermediate=True).issue("mail.lab.test")
    bag = pkcs12.load_pkcs12(issued.write_pkcs12(b"secret").read_bytes(), b"secret")
    leaf = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    assert bag.cert is not None
    assert bag.cert.certificate == leaf
    assert len(bag.additional_certs) == 1


def test_bad_certificates_are_bad_in_the_way_they_say(tmp_path):
    authority = Authority(tmp_path / "ca")
    read = x509.load_pem_x509_certificate
    expired = read(authority.issue_expired("localhost").certificate.read_bytes())
    future = read(authority.issue_for_the_future("localhost").certificate.read_bytes())
    assert expired.not_valid_after_utc.year == 2020
    assert future.not_valid_before_utc.year == 2090
    assert _names(authority.issue_wrong_name().certificate) == ("somebody-else.lab.test",)


def test_a_stranger_is_another_authority(tmp_path):
    authority = Authority(tmp_path / "ca")
    stranger = authority.stranger()
    ours = x509.load_pem_x509_certificate(authority.ca_file.read_bytes())
    theirs = x509.load_pem_x509_certificate(stranger.ca_file.read_bytes())
    assert ours.public_key() != theirs.public_key()


def test_an_authority_of_rsa_issues_nothing_else(tmp_path):
    issued = Authority(tmp_path, rsa=True).issue("mail.lab.test")
    for certificate in x509.load_pem_x509_certificates(issued.certificate.read_bytes()):
        assert isinstance(certificate.public_key(), rsa.RSAPublicKey)
        assert len(certificate.signature) == 256
