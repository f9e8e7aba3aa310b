"""Calls to the AWS emulator: one boto3 client per service and region, created when first needed.

The emulator is any endpoint that speaks AWS's protocols on loopback. No credentials are read and no call ever leaves
for AWS: the endpoint is given for every client.
"""

import re
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

CREATION_HEADER = "X-Sandbox-Creation"
"""Names the creation that a call is part of; the emulator keeps its answers."""
REPLAY_HEADER = "X-Sandbox-Replay"
"""Asks for those answers again."""
CREATIONS_PATH = "/sandbox/creations/"
"""Followed by a creation's name: how many answers are kept."""
IDLE_PATH = "/sandbox/idle"
"""Answers when the emulator has carried out every request that it has received."""

_CONNECTIONS = 32
"""Connections per client; the servicer has as many threads."""

_MISSING_CODES = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "CacheSubnetGroupNotFoundFault",
        "CertificateNotFoundException",
        "DBInstanceNotFound",
        "DBInstanceNotFoundFault",
        "DBParameterGroupNotFound",
        "DBParameterGroupNotFoundFault",
        "DBSubnetGroupNotFoundFault",
        "DashboardNotFoundError",
        "InvalidDocument",
        "LaunchTemplateIdNotFound",
        "ListenerNotFound",
        "LoadBalancerNotFound",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchDistribution",
        "NoSuchEntity",
        "NoSuchHealthCheck",
        "NoSuchHostedZone",
        "NoSuchLifecycleConfiguration",
        "NoSuchOriginAccessControl",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchQueryLoggingConfig",
        "NotFound",
        "NotFoundException",
        "ObjectLockConfigurationNotFoundError",
        "OwnershipControlsNotFoundError",
        "ParameterNotFound",
        "ReplicationGroupNotFoundFault",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "RuleNotFound",
        "ServerSideEncryptionConfigurationNotFoundError",
        "SubscriptionNotFound",
        "TargetGroupNotFound",
        "WAFNonexistentItemException",
    }
)
"""Error codes that say "there is no such thing", whole: a failed delete must not pass for a word in its message."""

_EC2_MISSING_CODE = re.compile(r"Invalid[A-Za-z]+\.(NotFound|Unknown)|Invalid[A-Za-z]+NotFound")


class ApiError(Exception):
    """A call that the emulator refused or that could not be made."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation} failed: {message} ({code})" if code else f"{operation} failed: {message}")
        self.code = code

    @property
    def missing(self) -> bool:
        """Whether the error says that the thing asked for does not exist."""
        return self.code in _MISSING_CODES or bool(_EC2_MISSING_CODE.fullmatch(self.code))


@dataclass(frozen=True)
class Api:
    """One service in one region: `api("describe_vpcs", VpcIds=[...])`."""

    emulator: "Emulator"
    service: str
    region: str

    def __call__(self, operation: str, /, **parameters: Any) -> dict[str, Any]:
        return self.emulator.call(self.service, self.region, operation, parameters)

    def of(self, service: str) -> "Api":
        """Another service in the same region."""
        return Api(self.emulator, service, self.region)


class Emulator:
    """The emulator behind an endpoint, for one AWS account."""

    def __init__(self, endpoint: str, account_id: str, region: str) -> None:
        self.endpoint = endpoint
        self.account_id = account_id
        self.region = region
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._purpose = threading.local()
        self._session = boto3.session.Session(
            aws_access_key_id="sandbox", aws_secret_access_key="sandbox", region_name=region
        )

    def api(self, service: str, region: str | None = None) -> Api:
        """The service in a region, by default the emulator's own."""
        return Api(self, service, region or self.region)

    def regions(self, service: str) -> list[str]:
        """Regions in which AWS offers the service, according to botocore's endpoint data."""
        return list(self._session.get_available_regions(service))

    def call(self, service: str, region: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Make one call; raises ApiError."""
        try:
            response: dict[str, Any] = getattr(self._client(service, region), operation)(**parameters)
        except ClientError as error:
            details = error.response.get("Error", {})
            raise ApiError(f"{service} {operation}", str(details.get("Code")), str(details.get("Message"))) from error
        except (BotoCoreError, AttributeError) as error:
            raise ApiError(f"{service} {operation}", "", str(error)) from error
        return response

    @contextmanager
    def creation(self, number: str, *, replay: bool = False) -> Iterator[None]:
        """Marks this thread's calls as part of a creation, or as its repetition."""
        self._purpose.header = (REPLAY_HEADER if replay else CREATION_HEADER, number)
        try:
            yield
        finally:
            del self._purpose.header

    def wait_until_idle(self) -> None:
        """Returns when every request that has been sent, by whichever process, is carried out."""
        urllib.request.urlopen(f"{self.endpoint}{IDLE_PATH}").close()

    def has_begun(self, number: str) -> bool:
        """Whether any call of a creation has been carried out."""
        with urllib.request.urlopen(f"{self.endpoint}{CREATIONS_PATH}{number}") as answer:
            return int(answer.read()) > 0

    def _mark(self, request: AWSRequest, **_: Any) -> None:
        header = getattr(self._purpose, "header", None)
        if header is not None:
            name, value = header
            request.headers[name] = value

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            if (service, region) not in self._clients:
                client = self._session.client(
                    service,
                    region_name=region,
                    endpoint_url=self.endpoint,
                    config=Config(
                        retries={"total_max_attempts": 1},
                        max_pool_connections=_CONNECTIONS,
                        s3={"addressing_style": "path"},
                        inject_host_prefix=False,
                    ),
                )
                client.meta.events.register("before-sign", self._mark)
                self._clients[service, region] = client
            return self._clients[service, region]
