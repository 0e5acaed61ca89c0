"""S3 as a target: it shows whole objects, knows their SHA-256, and replaces one only if it is still the one that was read."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..metadata.summary import MEDIA
from .reaching import digest_of, reached

SINGLE = 64 * 2**20  # bytes of the largest object that S3 gets in one piece, and of the pieces of a larger one
LOST = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409"}  # somebody else was quicker
SERVED_ANEW = {"index.html", "index.json", "index.attestation.json"}
KINDS = {**MEDIA, "": "text/plain", "cff": "application/yaml"}


@dataclass(frozen=True)
class Bucket:
    """S3, or what speaks like it: `files` is the file system of s3fs, `prefix` comes before each key."""

    name: str
    files: Any
    bucket: str
    prefix: str

    def read(self, path: str) -> tuple[bytes, str] | None:
        with reached(self.name):
            head = self._head(path)  # first, so that the mark is never that of a later state than the bytes
            if head is None:
                self._refuse_no_bucket(path)
                return None
            content: bytes = self.files.cat_file(f"{self.bucket}/{self._key(path)}")
            return content, head["ETag"]

    def same(self, path: str, size: int | None, digest: str) -> bool | None:
        with reached(self.name):
            head = self._head(path)
            if head is None or size not in (None, head["ContentLength"]):
                return None if head is None else False
            computed = head.get("ChecksumSHA256", "")  # by S3 itself; that of an object sent in pieces is none of the whole
            if computed and "-" not in computed:
                return bool(computed == _base64(digest))
            said = head.get("Metadata", {}).get("sha256") or digest_of(self.files, f"{self.bucket}/{self._key(path)}")
            return bool(said == digest)

    def put(self, path: str, source: Path, digest: str, *, fresh: bool) -> bool:
        about = {**self._about(path), "Metadata": {"sha256": digest}}
        with reached(self.name):
            try:
                if source.stat().st_size <= SINGLE:
                    condition = {"IfNoneMatch": "*"} if fresh else {}
                    checksum = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": _base64(digest)}
                    self._put(path, source.read_bytes(), **about, **checksum, **condition)
                else:
                    at, mode = f"{self.bucket}/{self._key(path)}", "create" if fresh else "overwrite"
                    self.files.put_file(str(source), at, chunksize=SINGLE, max_concurrency=4, mode=mode, **about)
            except OSError as error:
                if fresh and _code(error) in LOST:
                    return False
                raise
        return True

    def swap(self, path: str, content: bytes, mark: str) -> bool:
        with reached(self.name):
            try:
                self._put(path, content, **self._about(path), **({"IfMatch": mark} if mark else {"IfNoneMatch": "*"}))
            except OSError as error:
                if _code(error) in LOST:
                    return False
                raise
        return True

    def _key(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path

    def _head(self, path: str) -> dict[str, Any] | None:
        try:
            head: dict[str, Any] = self.files.call_s3(
                "head_object", Bucket=self.bucket, Key=self._key(path), ChecksumMode="ENABLED"
            )
            return head
        except FileNotFoundError:
            return None

    def _refuse_no_bucket(self, path: str) -> None:
        """Raises what S3 says where not only an object is missing, but its bucket: a HEAD doesn't tell."""
        try:
            self.files.call_s3("get_object", Bucket=self.bucket, Key=self._key(path))
        except FileNotFoundError as error:
            if _code(error) == "NoSuchBucket":
                raise

    def _put(self, path: str, content: bytes, **about: Any) -> None:
        self.files.call_s3("put_object", Bucket=self.bucket, Key=self._key(path), Body=content, **about)

    def _about(self, path: str) -> dict[str, Any]:
        """How the object is served, as a file of a web site."""
        kind = KINDS.get(PurePosixPath(path).suffix[1:].lower(), "application/octet-stream")
        about = {"ContentType": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind}
        return {**about, "CacheControl": "no-cache"} if path in SERVED_ANEW else about


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _code(error: OSError) -> str:
    """The code by which S3 names a fault, "" if it isn't one of S3's."""
    answer = getattr(error.__cause__, "response", None) or {}
    return str(answer.get("Error", {}).get("Code", ""))
