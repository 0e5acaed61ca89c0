"""A real S3 server on this machine (moto's), told of by the environment as a user would tell of one."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The address of a server that holds nothing yet."""
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        yield "http://{}:{}".format(*running.get_host_and_port())
    finally:
        running.stop()


def use(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Point the libraries of Amazon to a server, with credentials that it accepts."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "herbs")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "herbs")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@functools.cache
def client(address: str) -> Any:
    """A client that isn't the one that publishes."""
    import boto3

    return boto3.client(
        "s3", endpoint_url=address, aws_access_key_id="herbs", aws_secret_access_key="herbs", region_name="us-east-1"
    )


def make_bucket(address: str, name: str) -> None:
    """A bucket that everybody may read."""
    client(address).create_bucket(Bucket=name, ACL="public-read")


def get(address: str, path: str) -> tuple[bytes, str]:
    """A file's bytes and media type, by plain HTTP, as a browser gets them."""
    with urlopen(f"{address}/{path}") as answer:
        return answer.read(), answer.headers["Content-Type"]


def names(address: str, bucket: str) -> list[str]:
    """Every object's key."""
    pages = client(address).get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return sorted(one["Key"] for page in pages for one in page.get("Contents", ()))
