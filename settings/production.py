"""Checks the requirements that production has of single settings, each stated on its field as `Production`."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from components.shared.production import Production
from settings.problems import Problem


def production_problems(sections: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield every setting of the valid sections that is weaker than production requires."""
    for key, section in sections.items():
        if isinstance(section, BaseModel):
            yield from _problems_of_section(key, section)


def production_requirements(field_metadata: list[Any]) -> list[Production]:
    """Return the requirements among the metadata of a field."""
    return [each for each in field_metadata if isinstance(each, Production)]


def _problems_of_section(key: str, section: BaseModel) -> Iterator[Problem]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        path = f"{key}.{name}"
        if isinstance(value, BaseModel):
            yield from _problems_of_section(path, value)
        for requirement in production_requirements(field.metadata):
            if not requirement.accepts(value):
                yield Problem(
                    key=path,
                    what=f"production requires {requirement.requirement}, because {requirement.because}",
                )
