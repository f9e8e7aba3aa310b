"""How long what a stack runs is supported. The dates stand here, so that no account and no network is needed.

Renew the table once a year, or when `python -m doctor` asks for it: compare each date with the page of its product, add
versions that settings accept, and set WRITTEN.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from components.sections.cache import Engine
from components.sections.database import CA_CERTIFICATE
from doctor.finding import Check, Finding, Result, Stage, Status, ok
from settings import PROJECT, StackSettings

WRITTEN = date(2026, 11, 26)
"""When the dates were compared with the pages."""
OUTDATED_DAYS = 365
NOTICE_DAYS = 180
WARNING_DAYS = 60


@dataclass(frozen=True, kw_only=True)
class Product:
    """What has versions with an end each."""

    name: str
    source: str
    """The page that has the dates."""
    ends: Mapping[str, date | None]
    """Version to the last day of its standard support; None if its end is not announced."""
    runbook: str


POSTGRESQL = Product(
    name="PostgreSQL",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-release-calendar.html",
    ends={
        "15": date(2028, 2, 29),
        "16": date(2029, 2, 28),
        "17": date(2030, 2, 28),
        "18": date(2031, 2, 28),
    },
    runbook="docs/upgrades.md#postgresql",
)
CACHES: Mapping[Engine, Product] = {
    "redis": Product(
        name="Redis",
        source="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/engine-versions.html",
        # The page has dates up to version 6.
        ends={"7.1": None},
        runbook="docs/upgrades.md#redis",
    ),
    "valkey": Product(
        name="Valkey",
        source="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/engine-versions.html",
        ends={"8.1": None},
        runbook="docs/upgrades.md#redis",
    ),
}
NODE = Product(
    name="Node.js",
    source="https://github.com/nodejs/Release/blob/main/schedule.json",
    ends={"22": date(2027, 4, 30), "24": date(2028, 4, 30), "26": date(2029, 4, 30)},
    runbook="docs/upgrades.md#nodejs",
)
KUBERNETES = Product(
    name="Kubernetes on EKS",
    source="https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html",
    # Of standard support. The cluster asks for no other, so AWS raises its version then.
    ends={"1.35": date(2027, 3, 27), "1.36": date(2027, 8, 2)},
    runbook="docs/upgrades.md#kubernetes",
)
CERTIFICATE = Product(
    name="CA",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",
    # Each region has one of its own; the first of them end in May 2061.
    ends={"rds-ca-rsa2048-g1": date(2061, 5, 1)},
    runbook="docs/upgrades.md#certificate-authority",
)
PRODUCTS = (POSTGRESQL, *CACHES.values(), NODE, KUBERNETES, CERTIFICATE)


@dataclass(frozen=True, kw_only=True)
class Used:
    """A version that a stack runs."""

    product: Product
    version: str
    decided_by: str
    """The setting, or the place in the program."""

    @property
    def title(self) -> str:
        return f"{self.product.name} {self.version}"


def used_by(settings: StackSettings) -> Iterator[Used]:
    """Yield what the stack runs; during a major upgrade of PostgreSQL both versions."""
    database, cache, servers = settings.database, settings.cache, settings.app_servers
    yield Used(product=POSTGRESQL, version=database.engine_version, decided_by=f"{PROJECT}:database.engine_version")
    if database.upgrade_from is not None:
        yield Used(product=POSTGRESQL, version=database.upgrade_from, decided_by=f"{PROJECT}:database.upgrade_from")
    yield Used(product=CACHES[cache.engine], version=cache.engine_version, decided_by=f"{PROJECT}:cache.engine")
    yield Used(product=NODE, version=servers.node_version, decided_by=f"{PROJECT}:app_servers.node_version")
    if settings.has_own_cluster:
        version = settings.kubernetes.version
        yield Used(product=KUBERNETES, version=version, decided_by=f"{PROJECT}:kubernetes.version")
    yield Used(product=CERTIFICATE, version=CA_CERTIFICATE, decided_by="components/sections/database.py")


def results(settings: StackSettings, today: date) -> Sequence[Result]:
    """Return a finding for each version that the stack runs, and one for the age of the table."""
    found = [(used.title, judge(used, today)) for used in used_by(settings)]
    return [_result(title, finding) for title, finding in [*found, ("Table of support", judge_table(today))]]


def _result(title: str, finding: Finding) -> Result:
    check = Check(title=title, stage=Stage.BEFORE_SUPPORT_ENDS, run=lambda _: finding)
    return Result(check=check, finding=finding)


def judge(used: Used, today: date) -> Finding:
    """Return what a reader has to know of one version today. The last day of support is still supported."""
    what = f"{used.title} ({used.decided_by})"
    end = used.product.ends[used.version]
    if end is None:
        return ok(f"No end of support of {what} is announced.")
    days = (end - today).days
    advice = f"upgrade it as {used.product.runbook} says."
    if days < 0:
        return Finding(status=Status.ERROR, sentence=f"Support of {what} ended on {end}, {_days(-days)} ago: {advice}")
    if days > NOTICE_DAYS:
        return ok(f"{what} is supported until {end}, for {_days(days)}.")
    status = Status.WARNING if days <= WARNING_DAYS else Status.NOTICE
    return Finding(status=status, sentence=f"Support of {what} ends on {end}, in {_days(days)}: {advice}")


def judge_table(today: date) -> Finding:
    """Return whether the dates have been compared with the pages within a year."""
    age = (today - WRITTEN).days
    if age <= OUTDATED_DAYS:
        return ok(f"The dates of support were compared with their pages on {WRITTEN}.")
    return Finding(
        status=Status.WARNING,
        sentence=f"The dates of support are of {WRITTEN}, {_days(age)} old: compare doctor/support.py with the pages "
        "that it names.",
    )


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
