"""Releases, signed: an in-toto statement in a DSSE envelope, made with a private key and checked with the public one.

A release's statement names every file of it with its digest, and says what was judged; the index's names the index itself.
Keys are PEM files: Ed25519, ECDSA on a NIST curve, or RSA. With Ed25519, the same release and key give the same bytes.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import archive
from .documents import read_document
from .exceptions import DataFault, ImprintError, UsageFault
from .manifest import INDEX, Manifest, read_index

if TYPE_CHECKING:
    from securesystemslib.signer._crypto_signer import CryptoSigner
    from securesystemslib.signer._key import SSlibKey

ATTESTATION, INDEX_ATTESTATION = "attestation.json", "index.attestation.json"
PAGE, REPORT = "index.html", "report.json"
PASSPHRASE = "IMPRINT_KEY_PASSPHRASE"  # the environment variable with the passphrase of an encrypted key
PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
LEAST_RSA = 2048  # bits of an RSA key (NIST SP 800-57)
RELEASE, STORE = "urn:imprint:release:v1", "urn:imprint:index:v1"  # types of predicate


@dataclass(frozen=True)
class Key:
    """A public key, and what a reader calls it."""

    name: str
    public: SSlibKey


@dataclass(frozen=True)
class Statement:
    """What an attestation says: the digest of each file that it is about, by name, and the predicate of that type."""

    subjects: Mapping[str, str]
    kind: str
    predicate: Mapping[str, Any]

    def payload(self) -> bytes:
        """The statement as in-toto writes it, in one spelling."""
        listed = [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(self.subjects.items())]
        said = {"_type": STATEMENT, "subject": listed, "predicateType": self.kind, "predicate": self.predicate}
        return json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Checked:
    """What is wrong with an attestation, the digests of the files that it is about, and whose key signed it."""

    problems: tuple[str, ...]
    subjects: Mapping[str, str] | None = None
    signer: str = ""


# Signing


def load_key(path: Path) -> CryptoSigner:
    """The private key in a PEM file. Raises UsageFault for one that can't sign, ImprintError where it can't be read."""
    serialization, signer, refused = _library()
    text = _read(path, "PRIVATE KEY")
    try:
        private = serialization.load_pem_private_key(text, None)
    except TypeError:
        private = _decrypted(path, text)
    except refused as error:
        raise _no_key(path) from error
    _refuse_short(path, private)
    try:
        found: CryptoSigner = signer.CryptoSigner(private)
    except refused as error:
        raise _no_key(path) from error
    return found


def _decrypted(path: Path, text: bytes) -> Any:
    serialization, _, refused = _library()
    passphrase = os.environ.get(PASSPHRASE)
    if not passphrase:
        raise UsageFault("is encrypted", where=path, fix=f"give its passphrase in the environment variable {PASSPHRASE}")
    try:
        return serialization.load_pem_private_key(text, passphrase.encode())
    except refused as error:
        raise UsageFault(f"doesn't open with the passphrase in {PASSPHRASE}", where=path, fix="mend it") from error


def another_signed(path: Path, key: Path) -> bool:
    """Whether there is an attestation that the private key in a file didn't sign. Raises what `load_key` raises."""
    return path.is_file() and load_key(key).public_key.keyid not in path.read_text(encoding="utf-8", errors="replace")


def attest_release(target: Path, manifest: Manifest, commit: str, key: Path) -> None:
    """Write the attestation of the release in `target`, which is otherwise finished; `commit` is "" where there is none.

    Raises what `load_key` raises.
    """
    names = [name for name in archive.files_below(target) if name != ATTESTATION]
    subjects = {name: archive.sha256(target / name) for name in names}
    predicate = {
        "name": manifest.name, "version": manifest.version, "date": manifest.date, "fingerprint": manifest.fingerprint,
        "verdict": dict(manifest.verdict),
        **({"tool": f"imprint {manifest.tool}"} if manifest.tool else {}),
        **({"commit": commit} if commit else {}),
        **({"report": {"sha256": subjects[REPORT]}} if REPORT in subjects else {}),
        **({"previous": dict(manifest.previous)} if manifest.previous else {}),
    }  # fmt: skip
    _sign(target / ATTESTATION, Statement(subjects, RELEASE, predicate), key)


def attest_index(out: Path, key: Path) -> None:
    """Write the attestation of a store's index, and of the page for people if there is one. Raises what `load_key` raises."""
    index = read_index(out / INDEX)
    subjects = {name: archive.sha256(out / name) for name in (INDEX, PAGE) if (out / name).is_file()}
    versions = [{"version": one.version, "manifest": {"sha256": one.manifest}} for one in index.versions]
    predicate = {"name": index.name, "latest": index.latest, "versions": versions}
    _sign(out / INDEX_ATTESTATION, Statement(subjects, STORE, predicate), key)


def _sign(path: Path, statement: Statement, key: Path) -> None:
    signer = load_key(key)
    from securesystemslib.dsse import Envelope

    envelope = Envelope(statement.payload(), PAYLOAD, {})
    envelope.sign(signer)
    archive.replace_text(path, _text(envelope.to_dict()))


def _text(envelope: Any) -> str:
    return json.dumps(envelope, indent=2) + "\n"


# Checking


def public_key(path: Path) -> Key:
    """The public key in a PEM file. Raises UsageFault for one that is none, ImprintError where it can't be read."""
    serialization, signer, refused = _library()
    text = _read(path, "PUBLIC KEY")
    try:
        public = serialization.load_pem_public_key(text)
        found = Key(path.name, signer.SSlibKey.from_crypto(public))
    except refused as error:
        raise _no_key(path) from error
    _refuse_short(path, public)
    return found


def read(path: Path, keys: Sequence[Key] = ()) -> tuple[Statement, str]:
    """The statement in an attestation, and the name of the key whose signature it has; "" if no keys are given.

    Raises DataFault where it has no good signature by one of the keys, or isn't an attestation in the form of `attest_release`.
    """
    try:
        envelope = read_document(path)
        payload = base64.b64decode(envelope["payload"], validate=True)
        said = json.loads(payload)
        subjects = {one["name"]: one["digest"]["sha256"] for one in said["subject"]}
        statement = Statement(subjects, said["predicateType"], dict(said["predicate"]))
        signatures = {str(one["keyid"]): base64.b64decode(one["sig"], validate=True) for one in envelope["signatures"]}
        whole = {
            "payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD,
            "signatures": [{"keyid": name, "sig": base64.b64encode(sig).decode()} for name, sig in signatures.items()],
        }  # fmt: skip
        canonical = statement.payload() == payload and _text(whole).encode() == path.read_bytes()
    except (ImprintError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DataFault("is no attestation that can be read", where=path.name) from error
    if not canonical:
        raise DataFault("isn't in the form that signing gives it", where=path.name)
    return statement, _signer(path, envelope, keys) if keys else ""


def _signer(path: Path, envelope: Any, keys: Sequence[Key]) -> str:
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    known = {key.public.keyid: key.name for key in keys}
    found = Envelope.from_dict(envelope)
    try:
        accepted = found.verify([key.public for key in keys], 1)
    except (VerificationError, ValueError) as error:
        named = [known[name] for name in found.signatures if name in known]
        what = f"has a signature that isn't good for {named[0]}" if named else "isn't signed by a key that you gave"
        raise DataFault(what, where=path.name) from error
    return ", ".join(known[name] for name in accepted)


def check_release(folder: Path, manifest: Manifest, keys: Sequence[Key]) -> Checked:
    """The attestation of a release, checked but for the files that it is about."""
    found, statement = _check(folder / ATTESTATION, RELEASE, keys)
    for word, here in (("name", manifest.name), ("version", manifest.version)) if statement else ():
        if statement and statement.predicate.get(word) != here:
            return Checked((f"{ATTESTATION} is for another release: its {word} is {statement.predicate.get(word)}",))
    return found


def check_index(store: Path, keys: Sequence[Key]) -> Checked:
    """The attestation of a store's index, checked but for the files that it is about."""
    return _check(store / INDEX_ATTESTATION, STORE, keys)[0]


def _check(path: Path, kind: str, keys: Sequence[Key]) -> tuple[Checked, Statement | None]:
    if not path.is_file():
        return Checked((f"{path.name} is missing: it isn't signed",) if keys else ()), None
    try:
        statement, signer = read(path, keys)
    except DataFault as fault:
        return Checked((f"{path.name} {fault.what}",)), None
    if statement.kind != kind:
        return Checked((f"{path.name} attests something else ({statement.kind})",)), None
    return Checked((), statement.subjects, signer), statement


# Keys


def _library() -> tuple[Any, Any, tuple[type[Exception], ...]]:
    """What reads keys, what signs, and what both raise for a key that they can't use."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from securesystemslib import signer
    except ImportError as error:
        raise ImprintError("signatures need securesystemslib", fix="pip install 'securesystemslib[crypto]'") from error
    return serialization, signer, (ValueError, UnsupportedAlgorithm)


def _read(path: Path, what: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImprintError(f"cannot be read ({error.strerror})", where=path, fix="name the file of a key") from error
    if b"OPENSSH" in content:
        raise UsageFault("is a key of OpenSSH", where=path, fix="make one with `openssl genpkey -algorithm ed25519`")
    if what.encode() not in content:
        raise UsageFault(f"has no {what.lower()} in PEM", where=path, fix=_FIXES[what])
    return content


_FIXES = {
    "PRIVATE KEY": "make one with `openssl genpkey -algorithm ed25519 -out KEY`",
    "PUBLIC KEY": "make it of the private key with `openssl pkey -in KEY -pubout -out PUBLIC`",
}


def _refuse_short(path: Path, key: Any) -> None:
    """Raise UsageFault for an RSA key whose signatures can be forged."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)) and key.key_size < LEAST_RSA:
        what = f"is an RSA key of {key.key_size} bits, whose signatures can be forged"
        raise UsageFault(what, where=path, fix=f"use one of {LEAST_RSA} bits or more, or an Ed25519 key")


def _no_key(path: Path) -> UsageFault:
    return UsageFault("is no key that can sign", where=path, fix="use an Ed25519, ECDSA (NIST curve) or RSA key in PEM")
