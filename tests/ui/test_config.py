"""What the explorer ships with: bound to this machine, open to no other name, and telling nobody."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("section", "name", "value"), [
    ("server", "address", "127.0.0.1"), ("server", "allowedHosts", ["localhost", "127.0.0.1"]),
    ("server", "headless", True), ("server", "maxUploadSize", 10), ("browser", "gatherUsageStats", False),
    ("client", "showErrorDetails", "none"), ("client", "allowedOrigins", []), ("runner", "fastReruns", True),
])  # fmt: skip
def test_what_keeps_a_visitor_safe(section, name, value):
    """Each setting that keeps the explorer to this machine, or its insides to itself, is as it must be."""
    assert SETTINGS[section][name] == value


@pytest.mark.parametrize("name", ["enableXsrfProtection", "enableCORS", "trustedUserHeaders", "sslCertFile"])
def test_what_is_left_as_streamlit_has_it(name):
    """No protection that Streamlit has on by itself is touched."""
    assert name not in SETTINGS["server"]


def test_streamlit_knows_every_setting():
    """A setting that Streamlit does not know would do nothing: each of ours is one of its own."""
    from streamlit.config import get_config_options

    known = set(get_config_options())
    for section, settings in SETTINGS.items():
        for name, value in settings.items():
            inner = [f"{section}.{name}.{each}" for each in value] if isinstance(value, dict) else [f"{section}.{name}"]
            assert set(inner) <= known


def test_the_font_is_ours():
    """The look needs nothing from elsewhere: each font is a file that is shipped, with its licence beside it."""
    for face in SETTINGS["theme"]["fontFaces"]:
        assert face["url"].startswith("app/static/")
        assert (ROOT / face["url"].removeprefix("app/")).is_file()
    assert list((ROOT / "static").glob("*LICENSE*"))
