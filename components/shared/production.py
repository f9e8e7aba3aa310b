"""What a production stack requires of a setting, stated on the setting's own field.

`Annotated[int, Field(ge=1), Production(at_least=7, because="...")]` is checked for stacks with `environment:
production` and appears in docs/settings.md. Rules that involve more than one section are in `settings/rules.py`.
"""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Annotated

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from components.shared.instance_types import capacity_of


@dataclass(frozen=True, kw_only=True)
class Production:
    """One requirement; give exactly one of the first three fields."""

    because: str
    """Why, as the end of a sentence that begins with "because"."""
    at_least: int | None = None
    """Smallest number, or smallest number of entries of a list."""
    one_of: tuple[bool | str, ...] = ()
    """The accepted values."""
    not_burstable: bool = False
    """An instance type without CPU credits, or several."""

    @property
    def requirement(self) -> str:
        """What is accepted, as the object of "production requires"."""
        if self.at_least is not None:
            return f"at least {self.at_least}"
        if self.not_burstable:
            return "an instance type that is not burstable, such as the m7g family"
        return " or ".join(str(value).lower() for value in self.one_of)

    def accepts(self, value: object) -> bool:
        """Tell whether a valid value of the setting fulfils the requirement."""
        if self.at_least is not None:
            size = len(value) if isinstance(value, Sized) else value
            return isinstance(size, int) and size >= self.at_least
        if self.not_burstable:
            types = value if isinstance(value, tuple) else (value,)
            return not any(capacity_of(str(each)).burstable for each in types)
        return value in self.one_of

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the requirement to the JSON schema, from which docs/settings.md is generated."""
        return {**handler(core_schema), "production": f"{self.requirement}, because {self.because}"}


Protected = Annotated[
    bool, Production(one_of=(True,), because="what holds data or an address must not be deleted by accident")
]
"""A protection that a production stack cannot switch off."""

NOT_BURSTABLE = Production(
    not_burstable=True, because="a burstable instance slows down to a fraction of its CPU when its credits are used up"
)
