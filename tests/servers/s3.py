"""An S3 server for tests: versitygw on a folder, unless the environment names another."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.ports import free_port
from tests.servers.container import ContainerServer, image_for
from tests.servers.ladder import SCRIPT, NoServer, climb, given_url
from tests.servers.process import Account, ProcessServer, cache_folder, require_program
from tests.servers.server import Server, wait_until_ready

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

URL = "S3_ENDPOINT_URL"
IMAGE = "FAIRLEAD_TEST_S3_IMAGE"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@dataclass(frozen=True)
class S3Server:
    """Where an S3 server is and who may use it."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"

    @property
    def environment(self) -> dict[str, str]:
        """Return what boto3 and other clients take from the environment."""
        keys = dict(zip(KEYS, (self.access_key, self.secret_key), strict=True))
        return {**keys, "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}

    def client(self) -> S3Client:
        """Return a client of the server that depends on no environment."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=Config(s3={"addressing_style": "path"}, connect_timeout=5, retries={"total_max_attempts": 2}),
        )

    def new_bucket(self) -> str:
        """Make an empty bucket and return its name."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return name

    def drop(self, bucket: str) -> None:
        """Remove a bucket and all that is in it."""
        client = self.client()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for found in page.get("Contents", []):
                client.delete_object(Bucket=bucket, Key=found["Key"])
        for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        client.delete_bucket(Bucket=bucket)


class S3:
    """The server that tests share; where the environment names one, that."""

    def __init__(self) -> None:
        self._server: Server | None = None
        if given := given_url(URL):
            if missing := [name for name in KEYS if not os.environ.get(name)]:
                raise NoServer(f"{URL} is set, so set {' and '.join(missing)} too")
            self.address = S3Server(
                given, *(os.environ[name] for name in KEYS), os.environ.get("AWS_REGION", "us-east-1")
            )
            return
        self._port = free_port()
        self.address = S3Server(f"http://127.0.0.1:{self._port}", uuid.uuid4().hex[:16], uuid.uuid4().hex)
        self._server = climb("an S3 server", URL, self._as_container, self._as_process)
        self._server.start()
        self._wait()

    def close(self) -> None:
        """End what was started."""
        if self._server is not None:
            self._server.discard()

    def _wait(self) -> None:
        from botocore.exceptions import BotoCoreError

        assert self._server is not None
        wait_until_ready("versitygw", self._server, lambda: self.address.client().list_buckets(), BotoCoreError)

    @property
    def _environment(self) -> dict[str, str]:
        return {"ROOT_ACCESS_KEY": self.address.access_key, "ROOT_SECRET_KEY": self.address.secret_key}

    def _as_container(self) -> Server:
        image = image_for(IMAGE, "versity/versitygw:v1.8.0", "fairlead-test-s3:1.8.0")
        return ContainerServer(image, 7070, self._port, self._environment, ["--port", ":7070", "posix", "/tmp"])

    def _as_process(self) -> Server:
        advice = f"run {SCRIPT}, or install versitygw"
        versitygw = require_program("versitygw", advice, cache_folder() / "bin")
        folder = Account().new_folder("s3")
        (folder / "data").mkdir()
        command = [versitygw, "--port", f"127.0.0.1:{self._port}", "posix", folder / "data"]
        return ProcessServer(command, folder, environment=self._environment)
