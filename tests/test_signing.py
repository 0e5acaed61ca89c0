"""Signatures: with each kind of key that openssl makes, checked by a library that isn't ours, and refused for what isn't good."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tampering
from herbs import repository
from packages import commit, imprint, tree
from serving import serving
from tampering import openssl

import imprint as library
from imprint import archive, signing
from imprint.exceptions import DataFault, ImprintError, UsageFault
from imprint.manifest import MANIFEST, read_manifest
from imprint.verification import verify

MADE = {
    "ed25519": ("-algorithm", "ed25519"),
    "P-256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "P-384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "P-521": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
    "RSA": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tampering.make_store(tmp_path_factory.mktemp("template"))


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "place")


def statement(path: Path) -> Any:
    return json.loads(base64.b64decode(json.loads(path.read_text(encoding="utf-8"))["payload"]))


def sign(folder: Path, key: Path) -> Path:
    release = folder / "dist/0.1.1"
    signing.attest_release(release, read_manifest(release / MANIFEST), "", key)
    return release


# What is said


def test_a_release_says_what_it_is_of_every_file(template: Path) -> None:
    release = template / "dist/0.1.1"
    said, manifest = statement(release / "attestation.json"), read_manifest(release / MANIFEST)
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert {one["name"]: one["digest"] for one in said["subject"]} == {
        name: {"sha256": archive.sha256(release / name)} for name in tree(release) if name != "attestation.json"
    }
    assert said["predicateType"] == "urn:imprint:release:v1"
    predicate = said["predicate"]
    assert len(predicate.pop("commit")) == 40
    assert predicate == {
        "name": "herbs", "version": "0.1.1", "date": manifest.date, "fingerprint": manifest.fingerprint,
        "tool": f"imprint {manifest.tool}", "verdict": {"bump": "patch", "rules": ["values-corrected"], "waived": []},
        "report": {"sha256": archive.sha256(release / "report.json")}, "previous": dict(manifest.previous),
    }  # fmt: skip


def test_an_index_says_which_versions_there_are(template: Path) -> None:
    said = statement(template / "dist/index.attestation.json")
    assert said["predicateType"] == "urn:imprint:index:v1"
    assert [one["name"] for one in said["subject"]] == ["index.html", "index.json"]
    assert [one["version"] for one in said["predicate"]["versions"]] == ["0.1.0", "0.1.1"]


def without_signatures(folder: Path) -> dict[str, bytes]:
    """All but the attestations, and the page, which offers them."""
    return {name: raw for name, raw in tree(folder).items() if not name.endswith((signing.ATTESTATION, signing.PAGE))}


def test_nothing_of_the_release_depends_on_its_signature(tmp_path: Path) -> None:
    signed, plain = (repository(tmp_path / name) for name in ("signed", "plain"))
    tampering.make_keys(tmp_path)
    assert imprint("release", "--sign", tmp_path / "key.pem", cwd=signed).exit_code == 0
    assert imprint("release", cwd=plain).exit_code == 0
    assert without_signatures(signed) == without_signatures(plain)


def test_a_release_says_by_which_key_it_is_signed_and_whose_signature_that_replaces(tmp_path: Path) -> None:
    folder = repository(tampering.make_keys(tmp_path) / "herbs")
    nothing = "0.1.0: nothing to release; dist/0.1.0 is there, identical to the ledger's\n"
    anew = "note: another key's signature was in dist/{}, and that of other.pem replaces it\n".format
    both = anew("0.1.0/attestation.json") + anew("index.attestation.json")
    for key, before, said in (("key", "", ""), ("key", "", nothing), ("other", both, nothing)):
        done = imprint("release", "--sign", tmp_path / f"{key}.pem", cwd=folder)
        assert done.stdout.startswith(before + said or "0.1.0 released in dist/0.1.0\n"), done.stdout
        assert done.stdout.endswith(f"\n  signed ({key}.pem)\n")
    for key in ("key.pem", None):
        sign_with = ("--sign", tmp_path / key) if key else ()
        done = imprint("release", *sign_with, "--format", "json", cwd=folder)
        assert json.loads(done.stdout)["signedBy"] == key


# Keys


@pytest.mark.parametrize("kind", MADE)
def test_each_kind_of_key_signs_and_is_checked_by_the_other_half(folder: Path, kind: str) -> None:
    openssl("genpkey", *MADE[kind], "-out", folder / "mine.pem")
    openssl("pkey", "-in", folder / "mine.pem", "-pubout", "-out", folder / "mine.pub")
    release = sign(folder, folder / "mine.pem")
    (found,) = verify(release, keys=[folder / "key.pub.pem", folder / "mine.pub"], quick=True)
    assert (found.problems, found.signer) == ((), "mine.pub")
    (found,) = verify(release, keys=[folder / "key.pub.pem"], quick=True)
    assert found.problems == ("attestation.json isn't signed by a key that you gave",)


def test_the_same_release_and_ed25519_key_give_the_same_bytes(folder: Path) -> None:
    first = (folder / "dist/0.1.1/attestation.json").read_bytes()
    commit_of = statement(folder / "dist/0.1.1/attestation.json")["predicate"]["commit"]
    release = folder / "dist/0.1.1"
    signing.attest_release(release, read_manifest(release / MANIFEST), commit_of, folder / "key.pem")
    assert (release / "attestation.json").read_bytes() == first


def test_openssl_checks_the_signature_too(template: Path, tmp_path: Path) -> None:
    envelope = json.loads((template / "dist/0.1.1/attestation.json").read_text(encoding="utf-8"))
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    (tmp_path / "signed").write_bytes(b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload))
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    arguments = ["-pubin", "-inkey", template / "key.pub.pem", "-rawin", "-in", tmp_path / "signed"]
    openssl("pkeyutl", "-verify", *arguments, "-sigfile", tmp_path / "signature")
    (tmp_path / "signed").write_bytes(b"DSSEv1 " + payload)
    with pytest.raises(subprocess.CalledProcessError):
        openssl("pkeyutl", "-verify", *arguments, "-sigfile", tmp_path / "signature")


def test_an_encrypted_key_takes_its_passphrase_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = folder / "locked.pem"
    openssl("pkey", "-in", folder / "key.pem", "-aes256", "-passout", "env:P", "-out", key, P="thyme")
    monkeypatch.delenv(signing.PASSPHRASE, raising=False)
    with pytest.raises(
        UsageFault, match="is encrypted; give its passphrase in the environment variable IMPRINT_KEY_PASSPHRASE"
    ):
        signing.load_key(key)
    monkeypatch.setenv(signing.PASSPHRASE, "sage")
    with pytest.raises(UsageFault, match="doesn't open with the passphrase in IMPRINT_KEY_PASSPHRASE"):
        signing.load_key(key)
    monkeypatch.setenv(signing.PASSPHRASE, "thyme")
    (found,) = verify(sign(folder, key), keys=[folder / "key.pub.pem"], quick=True)
    assert (found.problems, found.signer) == ((), "key.pub.pem")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "has no private key in PEM"),
        ("-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n", "is no key that can sign"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "is a key of OpenSSH"),
        (("-algorithm", "X25519"), "is no key that can sign"),
        (("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"), "is no key that can sign"),
        (("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), "is an RSA key of 1024 bits"),
        (None, "cannot be read"),
    ],
    ids=["empty", "broken", "OpenSSH", "X25519", "secp256k1", "short RSA", "missing"],
)
def test_a_key_that_can_not_sign_stops_a_release_at_once(tmp_path: Path, content: Any, said: str) -> None:
    package, key = repository(tmp_path / "herbs"), tmp_path / "key.pem"
    if isinstance(content, tuple):
        openssl("genpkey", *content, "-out", key)
    elif content is not None:
        key.write_text(content, encoding="utf-8")
    before = tree(package)
    done = imprint("release", "--sign", key, cwd=package)
    assert done.exit_code == (3 if content is None else 2)
    assert said in done.stderr
    assert (done.stdout, done.stderr.count("\n"), tree(package)) == ("", 1, before)


def test_a_private_key_is_no_public_one(folder: Path) -> None:
    with pytest.raises(UsageFault, match="openssl pkey -in KEY -pubout"):
        verify(folder / "dist", keys=[folder / "key.pem"])


def test_a_key_whose_signatures_can_be_forged_checks_none(folder: Path) -> None:
    openssl("genpkey", *MADE["RSA"][:3], "rsa_keygen_bits:1024", "-out", folder / "short.pem")
    openssl("pkey", "-in", folder / "short.pem", "-pubout", "-out", folder / "short.pub.pem")
    with pytest.raises(UsageFault, match="use one of 2048 bits or more, or an Ed25519 key"):
        verify(folder / "dist", keys=[folder / "short.pub.pem"])


def test_without_the_library_a_signature_is_not_checked_and_that_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "securesystemslib", None)
    with pytest.raises(ImprintError, match=r"signatures need securesystemslib; pip install 'securesystemslib\[crypto\]'"):
        signing.load_key(folder / "key.pem")
    for one in verify(folder / "dist", quick=True):
        assert one.problems == ()
        assert "its signature was not checked: name the public key with --key" in one.notes


# What isn't good


def test_another_bit_in_any_byte_of_an_attestation_is_found(folder: Path) -> None:
    path, keys = folder / "dist/index.attestation.json", [signing.public_key(folder / "key.pub.pem")]
    whole = path.read_bytes()
    assert signing.check_index(folder / "dist", keys).problems == ()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert signing.check_index(folder / "dist", keys).problems, place


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"payload": 1}', '{"payload": "W10=", "payloadType": "", "signatures": []}', '"\\ud800"']
)
def test_what_is_no_attestation_is_a_problem_not_a_crash(folder: Path, text: str) -> None:
    path = folder / "dist/0.1.1/attestation.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataFault, match="is no attestation that can be read"):
        signing.read(path)
    (found,) = verify(folder / "dist/0.1.1", quick=True)
    assert found.problems == ("attestation.json is no attestation that can be read",)


def test_a_release_is_fetched_by_key_or_not_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPRINT_CACHE", str(folder / "cache"))
    key, other = folder / "key.pub.pem", folder / "other.pub.pem"
    with serving(folder / "dist") as server:
        done = imprint("fetch", server.address, "--key", other, "--key", key, "--formats", "csv", "--out", folder / "one")
        assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "  signed (key.pub.pem)")
        said = json.loads(imprint("fetch", server.address, "--key", key, "--format", "json", "--out", folder / "two").stdout)
        assert said["signedBy"] == "key.pub.pem"
        assert sorted(library.load(server.address, keys=[key])) == ["plants", "sightings", "uses"]
        for keys in ([key], key, str(key)):
            assert 0.75 in set(library.load(folder / "dist", version="0.1.0", keys=keys)["plants"].height)
        done = imprint("fetch", server.address, "--key", other, "--out", folder / "three")
        assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
        assert "index.attestation.json isn't signed by a key that you gave" in done.stderr
        with pytest.raises(DataFault, match="isn't signed by a key that you gave"):
            library.load(server.address, keys=[other])
    monkeypatch.setenv("IMPRINT_OFFLINE", "1")
    assert imprint("fetch", server.address, "--key", key, "--out", folder / "four").exit_code == 0
    assert sorted(path.name for path in folder.iterdir() if path.name in {"one", "two", "three", "four"}) == [
        "four",
        "one",
        "two",
    ]


def test_an_index_that_is_not_signed_is_not_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPRINT_CACHE", str(folder / "cache"))
    (folder / "dist/index.attestation.json").unlink()
    done = imprint("fetch", folder / "dist", "--key", folder / "key.pub.pem", "--out", folder / "one")
    assert (done.exit_code, "index.attestation.json is missing: it isn't signed" in done.stderr) == (1, True)
    assert not [name for name in tree(folder / "cache") if name.endswith("index.json")]


def test_a_zip_alone_has_no_signature(folder: Path) -> None:
    done = imprint("fetch", folder / "dist/0.1.0/herbs-0.1.0.zip", "--key", folder / "key.pub.pem", cwd=folder)
    assert (done.exit_code, "is a zip, which isn't signed; leave --key out, or name the store" in done.stderr) == (2, True)


def test_who_signed_is_printed(folder: Path) -> None:
    done = imprint("verify", "dist", "--quick", "--key", "key.pub.pem", cwd=folder)
    assert done.exit_code == 0
    assert [line for line in done.stdout.splitlines() if "note" not in line] == [
        "dist/0.1.0: 30 files, all as released, signed (key.pub.pem)",
        "dist/0.1.1: 39 files, all as released, signed (key.pub.pem)",
        "dist/index.json: 1 file, all as released, signed (key.pub.pem)",
    ]


def test_a_release_can_be_signed_afterwards(tmp_path: Path) -> None:
    package = repository(tmp_path / "herbs")
    tampering.make_keys(tmp_path)
    assert imprint("release", cwd=package).exit_code == 0
    commit(package, "0.1.0")
    before = without_signatures(package)
    assert imprint("release", "--sign", tmp_path / "key.pem", cwd=package).exit_code == 0
    assert without_signatures(package) == before
    done = imprint("verify", "--quick", "--key", tmp_path / "key.pub.pem", cwd=package)
    assert done.exit_code == 0, done.stdout
