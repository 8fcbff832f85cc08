"""`faitfoi.einvoice` offers what a program needs, and loads none of it before it is used."""

import subprocess
import sys

import pytest

import faitfoi.einvoice as library


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ("lxml", "pikepdf", "saxonche", "typst", "faitfoi.einvoice.model")
    script = f"import sys, faitfoi.einvoice; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", [name for name in dir(library) if not name.startswith("_")])
def test_every_public_name_leads_somewhere(name: str) -> None:
    assert getattr(library, name) is not None


def test_an_unknown_name_is_said_as_python_says_it() -> None:
    with pytest.raises(AttributeError, match="nothing_of_ours"):
        _ = library.nothing_of_ours
