"""One feature of a bucket or key: how to see whether it is there, and how to make it so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from bootstrap.access import error_code


@dataclass(frozen=True, kw_only=True)
class Feature:
    description: str
    """What the bucket or key does, as the end of a sentence: "keeps earlier versions"."""
    is_there: Callable[[], bool]
    mend: Callable[[], object]


def missing_features(features: Sequence[Feature]) -> Sequence[Feature]:
    """The features that are not there."""
    return [feature for feature in features if not feature.is_there()]


def configured(read: Callable[[], Any], absent_code: str) -> Any | None:
    """The configuration, or None where AWS answers with this code that there is none."""
    try:
        return read()
    except ClientError as error:
        if error_code(error) == absent_code:
            return None
        raise
