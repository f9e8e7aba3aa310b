"""The metric values that are replayed, as a file has them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError
from pydantic import model_validator as validator

Point = tuple[AwareDatetime, FiniteFloat] | tuple[AwareDatetime, FiniteFloat, Annotated[int, Field(gt=0)]]
"""Time with its zone, value, and how often the value was measured in that minute; once if that is left out."""


class SeriesError(ValueError):
    """The series cannot be replayed."""


class Series(BaseModel):
    """Values of one metric. They count for every metric of every alarm that fits everything which is given here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alarm: str | None = None
    """Name of an alarm in the stack (`HighErrorRate`) or in AWS (`fixrx-production-HighErrorRate`)."""
    namespace: str | None = None
    metric: str | None = None
    """Name of the metric. It can be left out beside an alarm that has one metric."""
    dimensions: Mapping[str, str] = {}
    """All or some of them; none fits every resource."""
    unit: str | None = None
    points: Sequence[Point]
    """In any order. An empty list is a metric that is silent."""

    @validator(mode="after")
    def _selects_something(self) -> "Series":
        if self.alarm is None and self.metric is None:
            raise ValueError("give `alarm`, `metric` or both")
        return self

    def __str__(self) -> str:
        """What it selects, for a message."""
        parts = [self.alarm, self.namespace, self.metric, *(f"{key}={value}" for key, value in self.dimensions.items())]
        return " ".join(part for part in parts if part)


_FILE = TypeAdapter(list[Series])


def read_series(path: Path) -> list[Series]:
    """Read a JSON list of series. Raises SeriesError if it is none."""
    try:
        return _FILE.validate_json(path.read_bytes())
    except OSError as error:
        raise SeriesError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise SeriesError(f"{path} is not a list of series: {where or 'the file'}: {first['msg']}.") from error
