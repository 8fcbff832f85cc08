"""What is made to harm is refused by the library itself, with one clear sentence."""

import pytest

from faitfoi.einvoice.pdfa import look_into
from faitfoi.einvoice.reading import Unreadable, read
from tests.einvoice.hostile import LARGE, SMALL


def refusal(data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        read(data)
    return caught.value.reason


@pytest.mark.parametrize("case", SMALL)
def test_a_hostile_file_is_refused_in_words(case: str) -> None:
    reason = refusal(SMALL[case]())
    assert reason.endswith(".")
    assert reason[0].isupper() or reason[0] in "«-N"
    assert "Error" not in reason
    assert "Traceback" not in reason
    assert len(reason) < 700


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("an encoding unheard of", "l’encodage « x-none »"),
        ("UTF-7", "enregistrez-le en UTF-8"),
        ("an attachment that is a picture", "« factur-x.xml » n’est pas du XML, quoi qu’en dise le PDF"),
        ("an attachment that is compressed", "n’est pas du XML"),
        ("an attachment coded as a picture", "codée comme aucun texte"),
        ("an attachment that is a page", "DOCTYPE"),
        ("keys given twice", "deux fois"),
        ("NaN", "NaN n’est pas une valeur acceptée"),
        ("JSON 300,000 deep", "imbriqué"),
        ("an outer entity", "DOCTYPE"),
        ("nothing", "vide"),
    ],
)
def test_the_sentence_says_what_is_wrong(case: str, sentence: str) -> None:
    assert sentence in refusal(SMALL[case]())


@pytest.mark.parametrize("case", [case for case in SMALL if "PDF" in case or "page" in case or "reference" in case])
def test_looking_into_a_hostile_pdf_ends_in_words(case: str) -> None:
    try:
        said = [finding.message_fr for finding in look_into(SMALL[case]()).findings]
    except Unreadable as error:
        said = [error.reason]
    assert said
    assert all(sentence.endswith(".") for sentence in said)


@pytest.mark.parametrize("case", ["eight million elements", "a million attributes", "ten million empty lists"])
def test_what_would_fill_the_memory_is_counted_before_it_is_read(case: str) -> None:
    assert refusal(LARGE[case]()).endswith(".")
