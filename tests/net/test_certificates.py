"""Reading certificates: what is found, and what is said when something is wrong."""

from __future__ import annotations

import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from support.certs import loaded, make_authority

from mapiproxy.net.certificates import (
    BadCertificate,
    CertificateSource,
    load_certificate,
    normal_name,
    parse_fingerprint,
    read_certificates,
    show_fingerprint,
)

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


def complain(source):
    with pytest.raises(BadCertificate) as caught:
        load_certificate(source)
    assert str(caught.value).startswith(str(caught.value.path))
    return caught.value


def lock(issued, passphrase):
    key = load_pem_private_key(issued.key.read_bytes(), None)
    issued.key.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
    )


@pytest.fixture
def issued(tmp_path):
    return make_authority(tmp_path, intermediate=True).issue("Mail.lab.test", "127.0.0.1")


def test_leaf_key_chain_names_and_fingerprint_are_found(issued):
    found = loaded(issued)
    leaf = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    assert found.leaf == leaf
    assert len(found.chain) == 1
    assert found.names == found.covers == ("mail.lab.test", "127.0.0.1")
    assert found.fingerprint == hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest()
    assert found.not_before < NOW < found.not_after
    assert found.find_flaw(NOW) is None


def test_key_and_certificates_may_share_a_file_in_any_order(issued):
    found = load_certificate(CertificateSource(certificate=issued.both))
    issued.both.write_bytes(issued.certificate.read_bytes() + issued.key.read_bytes())
    again = load_certificate(CertificateSource(certificate=issued.both))
    assert (again.leaf, again.chain) == (found.leaf, found.chain)


def test_a_key_behind_its_curve_parameters_is_found(issued):
    key = load_pem_private_key(issued.key.read_bytes(), None)
    old = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    curve = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    issued.key.write_bytes(curve + old)
    assert loaded(issued).key.private_numbers() == key.private_numbers()


def test_the_chain_may_lie_in_its_own_file_and_repeat_the_leaf(issued, tmp_path):
    leaf, link = read_certificates(issued.certificate)
    alone, chain = tmp_path / "leaf.pem", tmp_path / "chain.pem"
    alone.write_bytes(leaf.public_bytes(Encoding.PEM))
    chain.write_bytes(issued.certificate.read_bytes())
    found = load_certificate(CertificateSource(certificate=alone, key=issued.key, chain=chain))
    assert found.chain == (link,)


def test_pkcs12_gives_the_same_as_pem(issued):
    source = CertificateSource(pkcs12=issued.write_pkcs12(b"secret"), passphrase=b"secret")
    found = load_certificate(source)
    assert (found.leaf, found.chain) == (loaded(issued).leaf, loaded(issued).chain)
    assert load_certificate(CertificateSource(pkcs12=issued.write_pkcs12())).leaf == found.leaf


def test_the_chain_is_put_in_order(tmp_path):
    authority = make_authority(tmp_path, intermediate=True)
    issued = authority.issue("mail.lab.test")
    leaf, link = read_certificates(issued.certificate)
    (root,) = read_certificates(authority.ca_file)
    chain = tmp_path / "chain.pem"
    chain.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in (root, link, leaf)))
    source = CertificateSource(certificate=issued.certificate, key=issued.key, chain=chain)
    assert load_certificate(source).chain == (link, root)


def test_a_key_of_another_certificate_is_refused(issued, tmp_path):
    other = make_authority(tmp_path / "other").issue("mail.lab.test")
    error = complain(CertificateSource(certificate=issued.certificate, key=other.key))
    assert error.path == other.key
    assert error.text == f"private key does not match the certificate in {issued.certificate}"


def test_a_chain_in_front_of_its_leaf_is_pointed_out(issued):
    leaf, link = read_certificates(issued.certificate)
    issued.certificate.write_bytes(
        link.public_bytes(Encoding.PEM) + leaf.public_bytes(Encoding.PEM)
    )
    error = complain(CertificateSource(certificate=issued.certificate, key=issued.key))
    assert "belongs to certificate 2 of" in error.text


def test_an_encrypted_key_needs_the_right_passphrase(issued):
    lock(issued, b"secret")
    where = {"certificate": issued.certificate, "key": issued.key}
    assert load_certificate(CertificateSource(**where, passphrase=b"secret"))
    missing = complain(CertificateSource(**where))
    assert missing.text == "private key is encrypted and no passphrase was given"
    wrong = complain(CertificateSource(**where, passphrase=b"guess"))
    assert wrong.text == "private key cannot be read: wrong passphrase, or damaged"
    assert missing.path == wrong.path == issued.key


def test_a_passphrase_that_is_not_needed_does_no_harm(issued):
    where = {"certificate": issued.certificate, "key": issued.key}
    assert load_certificate(CertificateSource(**where, passphrase=b"secret"))


@pytest.mark.parametrize("passphrase", [None, b"guess"])
def test_pkcs12_with_the_wrong_passphrase_names_the_file(issued, passphrase):
    path = issued.write_pkcs12(b"secret")
    error = complain(CertificateSource(pkcs12=path, passphrase=passphrase))
    assert error.path == path
    assert "passphrase" in error.text


def test_pkcs12_without_a_key_or_a_certificate_is_refused(issued, tmp_path):
    leaf, _ = read_certificates(issued.certificate)
    path = tmp_path / "odd.pfx"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", None, None, [leaf], NoEncryption())
    )
    assert "no certificate that goes with a key" in complain(CertificateSource(pkcs12=path)).text


def test_files_that_hold_nothing_or_cannot_be_read_are_named(issued, tmp_path):
    swapped = CertificateSource(certificate=issued.key, key=issued.certificate)
    assert "no certificate in this file" in complain(swapped).text
    keyless = complain(CertificateSource(certificate=issued.certificate))
    assert keyless.text == "no private key in this file"
    absent = complain(CertificateSource(certificate=tmp_path / "absent.pem"))
    assert absent.text == "cannot be read: No such file or directory"


def test_damaged_certificates_and_keys_are_named(issued):
    torn = issued.certificate.read_bytes().replace(b"M", b"!", 1)
    issued.certificate.write_bytes(torn)
    where = {"certificate": issued.certificate, "key": issued.key}
    assert "certificate cannot be read" in complain(CertificateSource(**where)).text


def test_a_source_without_files_is_a_bug_of_the_caller():
    with pytest.raises(ValueError, match="needs certificate or pkcs12"):
        load_certificate(CertificateSource())


def test_dates_and_names_are_data_for_whoever_has_a_clock(tmp_path):
    authority = make_authority(tmp_path)
    assert loaded(authority.issue_expired()).find_flaw(NOW) == "expired 2020-01-01"
    future = loaded(authority.issue_for_the_future())
    assert future.find_flaw(NOW) == "not valid before 2090-01-01"
    wild = authority.issue("*.lab.test")
    assert loaded(wild, "MAIL.lab.test.").find_flaw(NOW) is None
    assert loaded(wild, "a.b.lab.test").find_flaw(NOW) == "is for *.lab.test, not for a.b.lab.test"


def test_the_common_name_counts_only_without_alternative_names(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Old.lab.test")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, NOW, NOW + datetime.timedelta(1)
    )
    path = tmp_path / "old.pem"
    pem = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + secret)
    assert load_certificate(CertificateSource(certificate=path)).covers == ("old.lab.test",)


def test_neither_keys_nor_passphrases_are_shown(issued):
    source = CertificateSource(certificate=issued.certificate, passphrase=b"hush")
    assert "hush" not in repr(source)
    assert "key" not in repr(loaded(issued)).replace(str(issued.certificate), "")


def test_fingerprints_are_read_as_people_write_them():
    plain = "ab" * 32
    assert parse_fingerprint(show_fingerprint(plain)) == plain
    assert parse_fingerprint("SHA256=" + " ".join(["AB"] * 32)) == plain
    with pytest.raises(ValueError, match="64 hex digits"):
        parse_fingerprint("ab:cd")


def test_names_are_compared_in_their_wire_form():
    assert normal_name("Bücher.Example.") == "xn--bcher-kva.example"
