"""Checks of the domain: the zone, and whether the registrar delegates to it."""

from collections.abc import Mapping
from typing import Any

import dns.exception
import dns.resolver
from botocore.exceptions import ClientError

from bootstrap.access import error_code
from doctor.context import Context
from doctor.finding import Check, Finding, Stage, cannot_tell, later, missing, ok

LOOKUP_SECONDS = 4.0


def public_name_servers(domain: str) -> frozenset[str] | None:
    """The name servers that the public DNS knows for a domain; empty if none, None if it cannot be asked."""
    try:
        answer = dns.resolver.resolve(domain, "NS", lifetime=LOOKUP_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return frozenset()
    except (dns.exception.DNSException, OSError):
        return None
    return frozenset(_normal(str(server)) for server in answer)


def check_zone(context: Context) -> Finding:
    """One zone for the domain: the one that the settings adopt, or the one that this stack creates."""
    dns_settings = context.settings.dns
    if dns_settings.hosted_zone_id is not None:
        return _check_adopted(context, dns_settings.hosted_zone_id)
    foreign = [zone for zone in _public_zones(context) if not _is_own(context, zone)]
    if foreign:
        return missing(
            f"A zone {dns_settings.zone} exists already, and `up` would create a second one that nobody asks. Set "
            f"dns.hosted_zone_id to {_id(foreign[0])}.",
            f"aws route53 get-hosted-zone --id {_id(foreign[0])}",
        )
    return ok(f"The stack has or creates the zone {dns_settings.zone}.")


def check_delegation(context: Context) -> Finding:
    """The registrar names the zone's name servers: until then no certificate is issued, and no server starts."""
    domain = context.settings.dns.zone
    zone_id = context.settings.dns.hosted_zone_id
    if zone_id is None:
        own = [zone for zone in _public_zones(context) if _is_own(context, zone)]
        if not own:
            return later(
                f"`up` creates the zone {domain} and then waits for its certificate: meanwhile enter the zone's name "
                "servers at the registrar.",
                f"aws route53 list-hosted-zones-by-name --dns-name {domain}",
            )
        zone_id = _id(own[0])
    servers = context.client("route53").get_hosted_zone(Id=zone_id).get("DelegationSet", {}).get("NameServers", [])
    wanted = frozenset(_normal(server) for server in servers)
    if context.access.is_emulated:
        return cannot_tell("The zone is in an emulator, to which no registrar delegates.")
    found = context.name_servers_of(domain)
    command = f"aws route53 get-hosted-zone --id {zone_id} --query DelegationSet.NameServers"
    if found is None:
        return cannot_tell(f"The public DNS could not be asked for the name servers of {domain}.", f"dig NS {domain}")
    if found == wanted:
        return ok(f"The registrar delegates {domain} to the zone {zone_id}.")
    now = ", ".join(sorted(found)) if found else "no name server"
    return missing(
        f"The public DNS knows {now} for {domain}; enter {', '.join(sorted(wanted))} at the registrar.", command
    )


def _check_adopted(context: Context, zone_id: str) -> Finding:
    domain = context.settings.dns.zone
    listing = f"aws route53 list-hosted-zones-by-name --dns-name {domain}"
    try:
        zone = context.client("route53").get_hosted_zone(Id=zone_id)["HostedZone"]
    except ClientError as error:
        if error_code(error) != "NoSuchHostedZone":
            raise
        return missing(f"The zone {zone_id} of dns.hosted_zone_id does not exist in this account; correct it.", listing)
    if _normal(zone["Name"]) != domain:
        return missing(
            f"dns.hosted_zone_id is the zone {_normal(zone['Name'])}, and dns.zone is {domain}; correct one of them.",
            listing,
        )
    if zone["Config"]["PrivateZone"]:
        return missing(f"dns.hosted_zone_id is a private zone; adopt the public zone {domain}.", listing)
    return ok(f"The zone {zone_id} of {domain} is there to be adopted.")


def _public_zones(context: Context) -> list[Mapping[str, Any]]:
    domain = context.settings.dns.zone
    zones = context.client("route53").list_hosted_zones_by_name(DNSName=domain)["HostedZones"]
    return [zone for zone in zones if _normal(zone["Name"]) == domain and not zone["Config"]["PrivateZone"]]


def _is_own(context: Context, zone: Mapping[str, Any]) -> bool:
    tags = context.client("route53").list_tags_for_resource(ResourceType="hostedzone", ResourceId=_id(zone))
    return context.owns(tags["ResourceTagSet"]["Tags"])


def _id(zone: Mapping[str, Any]) -> str:
    return str(zone["Id"]).rpartition("/")[2]


def _normal(name: str) -> str:
    return name.rstrip(".").lower()


CHECKS = (
    Check(title="DNS zone", stage=Stage.BEFORE_UP, run=check_zone),
    Check(title="Zone delegation", stage=Stage.BEFORE_SERVERS, run=check_delegation),
)
