"""Certificates and their validation."""

import time
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Live, ResourceType, call, constant
from sandbox.provider.resource_provider import ProviderError
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import each, required, tagging

_VALIDATION_SECONDS = 120.0
"""How long to wait for the emulator to issue a certificate; its own delay is 60 s unless configured otherwise."""


_RECORD = ("Name", "Type", "Value")


def _validation_options(live: Live) -> list[dict[str, Any]]:
    """In the order of the certificate's names, which the emulator does not keep."""
    names = [live.description["DomainName"], *live.description.get("SubjectAlternativeNames", [])]
    options = {option["DomainName"]: option for option in live.description.get("DomainValidationOptions", [])}
    return [
        {"domainName": name, **{f"resourceRecord{key}": options[name]["ResourceRecord"][key] for key in _RECORD}}
        for name in dict.fromkeys(names)
        if name in options
    ]


def _alternative_names(live: Live) -> list[str]:
    """ACM lists the main name among the alternatives, whether or not it was given there."""
    given = live.state.get("subjectAlternativeNames")
    names = live.description.get("SubjectAlternativeNames", [])
    if given is None:
        return list(names)
    return [name for name in names if name in given or name != live.description["DomainName"]]


_CERTIFICATE = ResourceType(
    token="aws:acm/certificate:Certificate",
    service="acm",
    create="request_certificate",
    id="CertificateArn",
    tagging=tagging(
        "add_tags_to_certificate remove_tags_from_certificate list_tags_for_certificate", CertificateArn="id"
    ),
    renames={"validationOptions": "DomainValidationOptions"},
    read=call("describe_certificate", CertificateArn="id"),
    description="Certificate",
    attributes={
        "arn": "CertificateArn",
        "domainValidationOptions": _validation_options,
        "subjectAlternativeNames": _alternative_names,
        "renewalEligibility": constant("INELIGIBLE"),
        # The emulator issues every certificate a moment after the request; the state must not depend on that moment.
        "status": constant("ISSUED"),
        "type": constant("AMAZON_ISSUED"),
    },
    absent_outputs="options pendingRenewal renewalSummaries validationEmails notAfter notBefore",
    # The emulator reports neither the method nor the key algorithm faithfully.
    write_only="validationMethod keyAlgorithm options validationOptions",
    delete=call("delete_certificate", CertificateArn="id"),
    replace="domainName subjectAlternativeNames validationMethod keyAlgorithm validationOptions options",
    defaults={"keyAlgorithm": "RSA_2048"},
    validate=required(
        {
            "domainName": "a certificate needs a domain name: the sandbox does not import certificates",
            "validationMethod": "a certificate needs a validation method: DNS or EMAIL",
        }
    ),
    rules={
        **each("domainName subjectAlternativeNames", rules.domain_name),
        "validationMethod": rules.one_of("DNS", "EMAIL", "NONE"),
    },
)


def _wait_until_issued(api: Api, live: Live) -> str:
    """Compare the records with what ACM asks for, then wait, as AWS does."""
    arn = str(live.state["certificateArn"])
    certificate = api("describe_certificate", CertificateArn=arn)["Certificate"]
    options = certificate.get("DomainValidationOptions", [])
    wanted = {option["ResourceRecord"]["Name"].rstrip(".") for option in options}
    given = {name.rstrip(".") for name in live.state.get("validationRecordFqdns") or wanted}
    if wanted - given:
        names = ", ".join(sorted(wanted - given))
        raise ProviderError(f"the certificate {arn} cannot be validated: no record for {names}")
    deadline = time.monotonic() + _VALIDATION_SECONDS
    while certificate["Status"] != "ISSUED":
        if time.monotonic() > deadline:
            raise ProviderError(f"the certificate {arn} was not issued within {_VALIDATION_SECONDS:.0f} s")
        time.sleep(0.2)
        certificate = api("describe_certificate", CertificateArn=arn)["Certificate"]
    return arn


_CERTIFICATE_VALIDATION = ResourceType(
    token="aws:acm/certificateValidation:CertificateValidation",
    service="acm",
    custom_create=_wait_until_issued,
    custom_create_inputs="certificateArn validationRecordFqdns",
    read=call("describe_certificate", CertificateArn="id"),
    description="[Certificate][?Status=='ISSUED'] | [0]",
    write_only="validationRecordFqdns",
    replace="certificateArn validationRecordFqdns",
    references={"certificateArn": references.CERTIFICATE},
)

TYPES = (_CERTIFICATE, _CERTIFICATE_VALIDATION)
