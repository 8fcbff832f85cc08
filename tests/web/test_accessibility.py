"""Habits of the RGAA that a machine can hold: landmarks, headings, labels, tables, contrast, words beside colours."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from lxml import html

from faitfoi.records.stages import Stage
from faitfoi.web import words
from tests.web.conftest import Work

SHEET = Path(words.__file__).parent / "static" / "faitfoi" / "site.css"
MOODS = {"done", "going", "waiting", "trouble", "lost"}


@pytest.fixture
def pages(as_alice: Client, documents: Work) -> dict[str, html.HtmlElement]:
    """Every page of Alice's, parsed; the sign-in page too."""
    slug, customer = documents.organisation.slug, documents.documents[None].customer_id
    addresses = {
        "home": reverse("home", args=[slug]),
        "upload": reverse("upload", args=[slug]),
        "batches": reverse("batches", args=[slug]),
        "batch": reverse("batch", args=[slug, documents.batch.pk]),
        "documents": reverse("documents", args=[slug]),
        "customers": reverse("customers", args=[slug]),
        "customer": reverse("customer", args=[slug, customer]),
        "edit customer": reverse("edit_customer", args=[slug, customer]),
        "new customer": reverse("new_customer", args=[slug]),
        "proof": reverse("proof", args=[slug]),
        "controls": reverse("controls", args=[slug]),
        "trail": reverse("trail", args=[slug]),
        "auditors": reverse("auditors", args=[slug]),
        "bulk": reverse("bulk", args=[slug]),
        "archive": reverse("archive", args=[slug]),
        "seal": reverse("seal", args=[slug]),
        "password": reverse("account_change_password"),
        **{
            f"document {stage}": reverse("document", args=[slug, document.pk])
            for stage, document in documents.documents.items()
        },
    }
    read = {name: html.fromstring(as_alice.get(address).content) for name, address in addresses.items()}
    refused = as_alice.post(addresses["new customer"], {"siren": "12"})
    read["refused customer"] = html.fromstring(refused.content)
    return read | {"login": html.fromstring(Client().get(reverse("account_login")).content)}


def test_every_page_has_its_language_title_landmarks_and_way_to_the_content(pages: dict[str, html.HtmlElement]) -> None:
    for name, page in pages.items():
        assert page.get("lang") == "fr", name
        assert page.findtext(".//title", "").strip(" ·"), name
        assert len(page.findall(".//main")) == 1, name
        assert len(page.findall(".//header")) == 1, name
        assert len(page.findall(".//footer")) == 1, name
        skip = page.xpath("//body//a")[0]
        assert skip.get("href") == "#contenu", name
        assert page.xpath("//main[@id='contenu']"), name
        assert all(nav.get("aria-label") for nav in page.findall(".//nav")), name


def test_headings_start_at_one_and_never_skip_a_level(pages: dict[str, html.HtmlElement]) -> None:
    for name, page in pages.items():
        levels = [int(item.tag[1]) for item in page.xpath("//h1|//h2|//h3|//h4|//h5|//h6")]
        assert levels.count(1) == 1, name
        assert levels[0] == 1, name
        assert all(after <= before + 1 for before, after in pairwise(levels)), (name, levels)


def test_every_field_has_its_label_and_every_picture_its_words(pages: dict[str, html.HtmlElement]) -> None:
    for name, page in pages.items():
        fields = page.xpath("//input[not(@type='hidden')]|//select|//textarea")
        for field in fields:
            assert page.xpath("//label[@for=$id]", id=field.get("id")), (name, field.get("name"))
            for described in (field.get("aria-describedby") or "").split():
                assert page.xpath("//*[@id=$id]", id=described), (name, described)
        assert all(picture.get("alt") is not None for picture in page.findall(".//img")), name
        assert all(button.text_content().strip() for button in page.findall(".//button")), name
        assert all(link.text_content().strip() for link in page.findall(".//a")), name


def test_identifiers_are_unique_and_labels_lead_somewhere(pages: dict[str, html.HtmlElement]) -> None:
    for name, page in pages.items():
        found = page.xpath("//@id")
        assert len(found) == len(set(found)), (name, sorted(i for i in found if found.count(i) > 1))
        for reference in page.xpath("//@aria-labelledby"):
            assert reference in found, (name, reference)


def test_every_table_has_a_caption_and_scoped_headers(pages: dict[str, html.HtmlElement]) -> None:
    tables = [table for page in pages.values() for table in page.findall(".//table")]
    assert tables
    for table in tables:
        assert table.findtext("caption", "").strip()
        assert all(header.get("scope") in {"col", "row"} for header in table.findall(".//th"))
        # A phone lays rows out as blocks: the roles keep it a table for whoever listens to it.
        assert table.get("role") == "table"
        assert all(cell.get("role") in {"cell", "rowheader"} for cell in table.xpath("./tbody/tr/*"))


def test_a_colour_never_speaks_alone(pages: dict[str, html.HtmlElement]) -> None:
    for name, page in pages.items():
        for badge in page.xpath("//*[contains(concat(' ', @class, ' '), ' badge ')]"):
            assert badge.text_content().strip(), name
            assert set(badge.get("class").split()) & MOODS, name
    labels = [str(word.label) for word in words.STAGES.values()]
    assert len(labels) == len(set(labels)) == len(Stage)


def test_every_mood_has_its_own_shape() -> None:
    sheet = SHEET.read_text()
    for mood in MOODS:
        assert f".badge.{mood}::before" in sheet


def schemes() -> Iterator[dict[str, str]]:
    """Return the colours of the light scheme, then of the dark one."""
    for block in re.findall(r":root \{(.*?)\}", SHEET.read_text(), re.DOTALL):
        yield dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_is_readable_on_every_ground_by_day_and_by_night() -> None:
    for colours in schemes():
        pairs = [(text, ground) for text in ("ink", "quiet", "accent") for ground in ("paper", "sheet", "tint")]
        pairs += [(mood, f"{mood}-tint") for mood in MOODS] + [(mood, "sheet") for mood in MOODS]
        pairs += [("ink", f"{mood}-tint") for mood in MOODS] + [("on-accent", "accent")]
        for text, ground in pairs:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        assert contrast(colours["edge"], colours["sheet"]) >= 3, "borders of fields"
    assert len(list(schemes())) == 2
