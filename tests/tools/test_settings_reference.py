"""The page that lists the settings is the one that the models make."""

from tools import settings_reference


def test_page_is_current() -> None:
    assert settings_reference.TARGET.read_text() == settings_reference.render(), (
        "run `python -m tools.settings_reference`"
    )
