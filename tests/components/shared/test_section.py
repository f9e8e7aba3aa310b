"""Formats of texts in the configuration: what AWS would refuse later is refused at once, and never quoted."""

import pytest
from pydantic import TypeAdapter, ValidationError

from components.shared.section import DomainName, EmailAddress, TextFormat

EMAIL: TypeAdapter[str] = TypeAdapter(EmailAddress)
DOMAIN: TypeAdapter[str] = TypeAdapter(DomainName)


@pytest.mark.parametrize("address", ["ops@fixrx.com", "first.last+alarms@sub.fixrx.co", "a_b-c@x-y.io"])
def test_address_is_accepted(address: str) -> None:
    assert EMAIL.validate_python(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "ops@x",
        "o'brien@x.com",
        "$(id)@x.y",
        "ops\u200b@fixrx.com",
        "ops\0@fixrx.com",
        "ops@fixrx.com\n",
        "öps@fixrx.com",
        "ops@-fixrx.com",
        f"{'a' * 300}@fixrx.com",
    ],
    ids=ascii,
)
def test_address_that_aws_refuses_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        EMAIL.validate_python(address)


@pytest.mark.parametrize("address", ["Api.fixrx.com", "api.fixrx.com.", "https://api.fixrx.com/v1", " api.fixrx.com"])
def test_domain_in_an_address_is_suggested(address: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a domain name in lower case; did you mean api\.fixrx\.com"):
        DOMAIN.validate_python(address)


@pytest.mark.parametrize("domain", ["fixrx", "api..fixrx.com", f"{'a' * 64}.com"])
def test_name_that_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a domain name in lower case; it looks like api\.fixrx\.com"):
        DOMAIN.validate_python(domain)


def test_domain_may_have_253_characters() -> None:
    label = "a" * 61
    longest = f"{label}.{label}.{label}.{label}.{'b' * 5}"

    assert len(longest) == 253
    assert DOMAIN.validate_python(longest) == longest
    with pytest.raises(ValidationError, match="is longer than 253 characters"):
        DOMAIN.validate_python(f"{longest}b")


def test_digits_of_other_scripts_are_refused() -> None:
    """Python's \\d matches them, and AWS does not."""
    account = TextFormat(pattern=r"[0-9]{12}", description="an AWS account id", example="111122223333")

    with pytest.raises(ValueError, match="is not an AWS account id; it looks like 111122223333"):
        account.check("\u0661" * 12)
