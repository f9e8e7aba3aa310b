"""Edge: what users reach. DNS, certificates, load balancer, CDN, web ACLs."""

from dataclasses import dataclass
from functools import partial

import pulumi

from components.cdn import Cdn, CdnArgs
from components.certificate import Certificate, CertificateArgs
from components.dns import Dns, DnsArgs
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.outside import Outside
from components.shared.connections import Member
from components.shared.identity import GLOBAL_SERVICES_REGION
from components.web_acl import WebAcl, WebAclArgs
from layers.foundation import Foundation
from layers.outside import build_outside
from settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Edge:
    """What receives requests from the internet."""

    dns: Dns
    certificate: Certificate
    load_balancer: LoadBalancer
    web_acl: WebAcl
    cdn: Cdn
    outside: Outside
    parts: tuple[pulumi.ComponentResource, ...]
    """All of them."""


def build_edge(settings: StackSettings, foundation: Foundation) -> Edge:
    stack, options = foundation.stack, foundation.options
    domain = settings.dns.api_domain
    dns = Dns("dns", DnsArgs(settings=settings.dns, identity=stack.identity), options)
    outside = build_outside(settings, foundation)
    foundation.workflows.manage_zone(dns.zone_id, outside.health_check_id)
    certificate = Certificate("certificate", CertificateArgs(domain=domain, zone_id=dns.zone_id), options)
    load_balancer = LoadBalancer(
        "load-balancer",
        LoadBalancerArgs(
            settings=settings.load_balancer,
            identity=stack.identity,
            placement=foundation.connections.placements[Member.LOAD_BALANCER],
            certificate_arn=certificate.arn,
            access_logs=foundation.access_logs.load_balancer,
            traffic=settings.traffic,
        ),
        options,
    )
    web_acl_args = WebAclArgs(
        settings=settings.web_acl,
        stack=stack,
        load_balancer_arn=load_balancer.arn,
        maintenance=settings.maintenance,
    )
    web_acl = WebAcl("web-acl", web_acl_args, options)
    dns.alias("api", domain, load_balancer.dns_name, load_balancer.zone_id)
    cdn = build_cdn(settings, foundation, dns)
    return Edge(
        dns=dns,
        certificate=certificate,
        load_balancer=load_balancer,
        web_acl=web_acl,
        cdn=cdn,
        outside=outside,
        parts=(dns, certificate, load_balancer, web_acl, cdn),
    )


def build_cdn(settings: StackSettings, foundation: Foundation, dns: Dns) -> Cdn:
    """The static files. Certificate and web ACL are CloudFront's, and so in its region."""
    stack, options, domain = foundation.stack, foundation.options, settings.cdn_domain
    certificate = CertificateArgs(
        domain=domain,
        zone_id=dns.zone_id,
        region=GLOBAL_SERVICES_REGION,
        serves="CDN",
        alarm_name="CdnCertificateExpiresSoon",
    )
    web_acl = WebAclArgs(settings=settings.web_acl, stack=stack, cdn=settings.cdn)
    return Cdn(
        "cdn",
        CdnArgs(
            settings=settings.cdn,
            identity=stack.identity,
            domain=domain,
            issue_certificate=partial(Certificate, "cdn-certificate", certificate, options),
            create_web_acl=partial(WebAcl, "cdn-web-acl", web_acl, options),
            alias=dns.alias,
            request_logs=foundation.access_logs.cdn,
            bucket_logs=foundation.access_logs.buckets,
        ),
        options,
    )
