"""The pages in a real browser: by keyboard alone, on a phone, and while a batch is running."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.models import BatchLine
from faitfoi.records.stages import LineOutcome, Stage
from tests.waiting import PATIENCE
from tests.web.conftest import Work

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
PROOF = ("proof", "controls", "trail", "auditors", "bulk")
PASSWORD = "mot de passe de démonstration"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install it (apt install chromium) or set CHROMIUM"),
]


@pytest.fixture(scope="module", autouse=True)
def database_beside_the_loop() -> Iterator[None]:
    """Let Django's database be used in this thread although Playwright runs its loop there."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def browser(database_beside_the_loop: None) -> Iterator[Browser]:
    """A Chromium without a window."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox does not start for root
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, alice: User) -> Iterator[Page]:
    """A phone's page in an English browser, where nothing may go wrong on the console."""
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 390, "height": 844}, locale="en-GB", has_touch=True
    )
    context.set_default_timeout(PATIENCE * 1000)
    said: list[str] = []
    page = context.new_page()
    # A form shown again for its errors answers 422, which Chromium writes down as a failure.
    page.on("console", lambda message: None if "status of 422" in message.text else said.append(message.text))
    yield page
    context.close()
    assert said == []


def sign_in(page: Page) -> None:
    """Sign Alice in, by keyboard."""
    page.goto("/")
    tab_to(page, "#id_login")
    page.keyboard.type("alice@trois-vallees.example")
    tab_to(page, "#id_password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("CUMA des Trois Vallées")


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, and see that the focus is seen."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {selector} cannot be seen"
            return
    pytest.fail(f"Tab never reaches {selector}")


def test_a_run_by_keyboard_alone(page: Page, documents: Work, tmp_path: Path) -> None:
    sign_in(page)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    tab_to(page, f"a[href='{reverse('upload', args=[documents.organisation.slug])}']")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Envoyer des factures")
    tab_to(page, "#id_invoices")
    for name in ("a.xml", "b.xml"):
        (tmp_path / name).write_text(f"<facture>{name}</facture>")
    # What the system's own file chooser does once it is open.
    page.set_input_files("#id_invoices", [tmp_path / "a.xml", tmp_path / "b.xml"])
    tab_to(page, "#id_name")
    page.keyboard.type("Lait, octobre")
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text("Lait, octobre")
    expect(page.get_by_text("2 fichiers reçus")).to_be_visible()
    tab_to(page, "#term-wholereceived")
    page.keyboard.press("Enter")
    expect(page.locator("#lines")).to_contain_text("reçues")
    expect(page.locator("table tbody tr")).to_have_count(2)


def test_a_batch_refreshes_itself_without_taking_the_focus_away(page: Page, documents: Work) -> None:
    sign_in(page)
    page.goto(reverse("batch", args=[documents.organisation.slug, documents.batch.pk]))
    expect(page.locator(".refresh")).to_contain_text("1 fichier est encore en cours de lecture")
    tab_to(page, "#term-wholereceived")
    with acting_for(documents.organisation.id):
        BatchLine.objects.filter(outcome=LineOutcome.WAITING).update(
            outcome=LineOutcome.REFUSED, reason="Ce fichier n’est pas une facture."
        )
    expect(page.get_by_text("Ce fichier n’est pas une facture.")).to_be_visible()
    expect(page.locator(".refresh")).to_contain_text("Tous les fichiers sont lus")
    expect(page.locator("#term-wholereceived")).to_be_focused()


def test_no_page_scrolls_sideways(page: Page, documents: Work) -> None:
    sign_in(page)
    slug = documents.organisation.slug
    shown = [documents.documents[stage] for stage in (Stage.RETURNED, Stage.HELD, None)]
    addresses = [
        *(
            reverse(name, args=[slug])
            for name in ("home", "upload", "batches", "documents", "customers", "new_customer", *PROOF)
        ),
        *(reverse(name, args=[slug, shown[0].customer_id]) for name in ("customer", "edit_customer")),
        reverse("account_change_password"),
        reverse("batch", args=[slug, documents.batch.pk]),
        *(reverse("document", args=[slug, document.pk]) for document in shown),
    ]
    for address in addresses:
        page.goto(address)
        for width in (320, 390, 768, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, (address, width)


def test_a_record_is_mended_by_keyboard_alone(page: Page, documents: Work) -> None:
    sign_in(page)
    slug, customer = documents.organisation.slug, documents.documents[None].customer_id
    tab_to(page, f"nav a[href='{reverse('customers', args=[slug])}']")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Clients")
    tab_to(page, f"a[href='{reverse('customer', args=[slug, customer])}']")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Élevage du Pré Noir")
    tab_to(page, f"a[href='{reverse('edit_customer', args=[slug, customer])}']")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Fiche de Élevage du Pré Noir")
    tab_to(page, "#id_nature_taxable")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#id_nature_public")).to_be_checked()
    tab_to(page, "#id_siret")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Rien n’est encore enregistré")
    expect(page.locator("#id_nature_public")).to_be_checked()
    tab_to(page, "[role=alert] a")
    page.keyboard.press("Enter")
    expect(page.locator("#id_siret")).to_have_value("12")
    tab_to(page, "#id_siret")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("000 000 711 00010")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("La fiche est enregistrée.")


def test_the_page_of_a_document_shows_its_picture(page: Page, documents: Work) -> None:
    sign_in(page)
    page.goto(reverse("document", args=[documents.organisation.slug, documents.documents[Stage.SENT].pk]))
    picture = page.locator("img.sheet").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('img.sheet').naturalWidth > 0")
    expect(picture).to_have_attribute("alt", re.compile("Facture F-SENT"))


def test_without_javascript_everything_still_works(browser: Browser, page: Page, documents: Work) -> None:
    sign_in(page)
    bare = browser.new_context(
        base_url=page.url.split("/o/")[0], java_script_enabled=False, storage_state=page.context.storage_state()
    )
    tab = bare.new_page()
    tab.goto(reverse("batch", args=[documents.organisation.slug, documents.batch.pk]))
    tab.click("#term-partrefused")
    expect(tab.locator("table tbody tr:not(.why)")).to_have_count(1)
    bare.close()
