"""The regions of AWS, and which one a mistyped region or the name of a place means."""

from collections.abc import Mapping

from components.shared.suggestion import closest

REGIONS: Mapping[str, str] = {
    "af-south-1": "Africa (Cape Town)",
    "ap-east-1": "Asia Pacific (Hong Kong)",
    "ap-east-2": "Asia Pacific (Taipei)",
    "ap-northeast-1": "Asia Pacific (Tokyo)",
    "ap-northeast-2": "Asia Pacific (Seoul)",
    "ap-northeast-3": "Asia Pacific (Osaka)",
    "ap-south-1": "Asia Pacific (Mumbai)",
    "ap-south-2": "Asia Pacific (Hyderabad)",
    "ap-southeast-1": "Asia Pacific (Singapore)",
    "ap-southeast-2": "Asia Pacific (Sydney)",
    "ap-southeast-3": "Asia Pacific (Jakarta)",
    "ap-southeast-4": "Asia Pacific (Melbourne)",
    "ap-southeast-5": "Asia Pacific (Malaysia)",
    "ap-southeast-6": "Asia Pacific (New Zealand)",
    "ap-southeast-7": "Asia Pacific (Thailand)",
    "ca-central-1": "Canada (Central)",
    "ca-west-1": "Canada West (Calgary)",
    "eu-central-1": "Europe (Frankfurt)",
    "eu-central-2": "Europe (Zurich)",
    "eu-north-1": "Europe (Stockholm)",
    "eu-south-1": "Europe (Milan)",
    "eu-south-2": "Europe (Spain)",
    "eu-west-1": "Europe (Ireland)",
    "eu-west-2": "Europe (London)",
    "eu-west-3": "Europe (Paris)",
    "il-central-1": "Israel (Tel Aviv)",
    "me-central-1": "Middle East (UAE)",
    "me-south-1": "Middle East (Bahrain)",
    "mx-central-1": "Mexico (Central)",
    "sa-east-1": "South America (Sao Paulo)",
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
}
"""Regions of the partition `aws` and what AWS calls them (botocore): ARNs are written for no other partition."""

SHORTEST_PLACE = 4
"""Shorter parts of a name are in several."""


def check_region(region: str) -> str:
    """Return the region. Raises ValueError with the region that was probably meant."""
    if region not in REGIONS:
        meant = _meant(region)
        raise ValueError(
            f"is not a region of AWS; {'it looks like us-east-1' if meant is None else f'did you mean {meant}'}"
        )
    return region


def _meant(text: str) -> str | None:
    place = text.strip().casefold()
    if len(place) >= SHORTEST_PLACE:
        named = [region for region, name in REGIONS.items() if place in name.casefold()]
        if named:
            return named[0]
    by_place = {name.rpartition("(")[2].rstrip(")"): region for region, name in REGIONS.items()}
    return closest(text, REGIONS) or by_place.get(closest(text, by_place) or "")
