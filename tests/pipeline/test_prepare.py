"""From a file to a sealed and routed document: each once, whatever comes beside it, and nothing that is not its own."""

import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.facturx import extract
from faitfoi.einvoice.jsonform import from_json
from faitfoi.einvoice.page import Look, render_page
from faitfoi.einvoice.ubl import write_ubl
from faitfoi.evidence.seal import create_key, is_signed, load_key, seal
from faitfoi.evidence.store import pack_name
from faitfoi.intake.caps import MAX_FILE_BYTES, TooMuch
from faitfoi.pipeline import archive, jobs
from faitfoi.pipeline.artefacts import read as read_artefact
from faitfoi.pipeline.receive import receive
from faitfoi.pipeline.rerouting import route_again
from faitfoi.records.models import Artefact, Batch, BatchLine, Customer, Delivery, Document, JournalEntry, StoredObject
from faitfoi.records.stages import LineOutcome, Purpose, Stage
from tests.channels.mail_rig import files_of, read
from tests.pipeline.cast import ACTOR, FARMER, SILENT, TOWN, Scene, file, invoice, priced, shelf

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 4, 8, tzinfo=UTC)
BUYER = invoice("x")["buyer"]


def as_cii(number: str) -> bytes:
    return write_cii(from_json(file(number)))


def as_facturx(number: str) -> bytes:
    model = from_json(file(number))
    return render_page(model, look=Look(), created=AT, xml=write_cii(model))


def outcomes(scene: Scene, batch: Batch) -> list[str]:
    return [line.outcome for line in scene.lines(batch)]


def test_every_format_is_sealed_and_leaves(scene: Scene) -> None:
    files = [file("F-1"), as_cii("F-2"), write_ubl(from_json(file("F-3"))), as_facturx("F-4")]
    batch = scene.send(*files)

    assert outcomes(scene, batch) == ["ready"] * 4
    assert scene.counts(batch).accepted == 4
    for n, content in enumerate(files, start=1):
        number = f"F-{n}"
        original, legal = scene.artefact(number, "original"), scene.artefact(number, "legal")
        assert original.sha256 == hashlib.sha256(content).hexdigest()
        assert read_artefact(original) == content
        assert is_signed(read_artefact(legal))
        assert legal.sealed
    assert extract(read_artefact(scene.artefact("F-2", "legal"))) == files[1]


def test_what_came_as_a_pdf_is_sealed_at_its_end_and_not_rewritten(scene: Scene) -> None:
    content = as_facturx("F-1")
    scene.send(content)
    legal = read_artefact(scene.artefact("F-1", "legal"))
    assert legal.startswith(content)
    assert len(legal) > len(content)


def test_a_signed_pdf_is_never_rewritten(scene: Scene, tmp_path: Path) -> None:
    """Also not for Chorus Pro, whose identifiers differ: that version is laid out anew."""
    create_key(tmp_path / "theirs", organisation="Un autre logiciel", at=AT, secret=b"theirs")
    theirs = load_key(tmp_path / "theirs", secret=b"theirs")
    mailed = seal(as_facturx("F-1"), theirs, at=AT)
    model = from_json(file("F-2", TOWN))
    deposited = seal(render_page(model, look=Look(), created=AT, xml=write_cii(model)), theirs, at=AT)
    batch = scene.send(mailed, deposited)

    assert scene.counts(batch).sent == 2
    for number, content in (("F-1", mailed), ("F-2", deposited)):
        legal = scene.artefact(number, "legal")
        assert legal.sha256 == hashlib.sha256(content).hexdigest() == scene.artefact(number, "original").sha256
        assert not legal.sealed
    (mail,) = scene.smtp.received
    assert mail.attachments[0].sha256 == hashlib.sha256(mailed).hexdigest()
    chorus = scene.artefact("F-2", "chorus")
    assert chorus.sealed
    assert not read_artefact(chorus).startswith(deposited[:5000])


def test_the_same_bytes_again_are_already_done(scene: Scene) -> None:
    """Complaints B16 and D46."""
    first = scene.send(file("F-1"), file("F-2"))
    again = scene.send(file("F-2"), file("F-3"), file("F-2"))

    assert [line.already_done for line in scene.lines(again)] == [True, False, True]
    assert len(scene.mails()) == 3
    assert scene.counts(first).sent == 2
    counts = scene.counts(again)
    assert (counts.selected, counts.skipped, counts.sent) == (3, 2, 1)


def test_the_same_files_are_the_same_batch(scene: Scene) -> None:
    first = scene.send(file("F-1"), file("F-2"))
    again = scene.hand_over(file("F-2"), file("F-1"))
    assert again.id == first.id
    scene.prepare(again)
    scene.deliver()
    assert len(scene.mails()) == 2


def test_a_number_with_other_bytes_is_refused_within_a_batch_and_across(scene: Scene) -> None:
    """Complaint B17."""
    batch = scene.send(priced("F-1", "48.00"), priced("F-1", "49.00"))
    assert outcomes(scene, batch) == ["ready", "refused"]
    across = scene.send(priced("F-1", "50.00"), file("F-2"))
    assert outcomes(scene, across) == ["refused", "ready"]
    assert "F-1" in scene.lines(across)[0].reason
    assert len(scene.mails()) == 2
    assert scene.counts(across).refused == 1


def test_a_number_of_another_year_is_another_number(scene: Scene) -> None:
    batch = scene.send(file("F-1"), file("F-1", issue_date="2025-11-04", due_date="2025-12-04"))
    assert outcomes(scene, batch) == ["ready", "ready"]


def test_a_refused_file_leaves_no_document_and_can_come_again(scene: Scene) -> None:
    wrong = invoice("F-1")
    wrong["lines"][0]["vat"]["rate"] = "19"
    wrong["vat_breakdown"] = [
        {"taxable_amount": "96.00", "tax_amount": "19.20", "category": "S", "rate": "20"},
    ]
    batch = scene.send(json.dumps(wrong).encode())
    (line,) = scene.lines(batch)
    assert line.outcome == LineOutcome.REFUSED
    assert line.findings
    assert "F-1" in line.reason
    with acting_for(scene.organisation.id):
        assert not Document.objects.exists()

    assert outcomes(scene, scene.send(file("F-1"))) == ["ready"]


def test_a_customer_without_contact_needs_someone_and_then_leaves(scene: Scene) -> None:
    """Complaint D38."""
    batch = scene.send(file("F-1", SILENT), file("F-2"))
    assert outcomes(scene, batch) == ["needs_someone", "ready"]
    assert SILENT.name in scene.lines(batch)[0].reason
    counts = scene.counts(batch)
    assert (counts.received, counts.needs_someone, counts.ready) == (2, 1, 1)
    sealed = scene.artefact("F-1", "legal").sha256
    again = scene.hand_over(file("F-1", SILENT), file("F-3"))
    scene.prepare(again)
    assert outcomes(scene, again) == ["needs_someone", "ready"]

    document = scene.document("F-1").id
    assert route_again(scene.organisation, document, actor=ACTOR) != ""  # nothing has been mended yet
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=SILENT.reference).update(billing_email="enfin@sans-courriel.example")
    assert route_again(scene.organisation, document, actor=ACTOR) == ""
    assert route_again(scene.organisation, document, actor=ACTOR) == ""  # a second click
    scene.deliver()

    assert scene.stage("F-1") is Stage.ACCEPTED
    assert scene.delivery("F-1").artefact.sha256 == sealed
    assert len(scene.mails()) == 3
    counts = scene.counts(batch)
    assert (counts.needs_someone, counts.ready, counts.sent) == (0, 2, 2)
    assert scene.counts(again).skipped == 1


def test_a_buyer_whom_nobody_knows_needs_someone(scene: Scene) -> None:
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=FARMER.reference).delete()
    batch = scene.send(file("F-1"))
    assert outcomes(scene, batch) == ["needs_someone"]
    assert FARMER.name in scene.lines(batch)[0].reason


def test_the_copy_carries_no_xml_and_says_what_it_is(scene: Scene) -> None:
    """Complaint B27."""
    with acting_for(scene.organisation.id):
        scene.organisation.copy_channel = ChannelKey.EMAIL
        scene.organisation.save()
    batch = scene.send(file("F-1", TOWN))

    copy = scene.delivery("F-1", Purpose.COPY)
    assert copy.artefact.role == "copy"
    (mail,) = scene.smtp.received
    assert [one.sha256 for one in mail.attachments] == [copy.artefact.sha256]
    ((_, media_type, content),) = files_of(read(scene.smtp.raw[0]))  # what the relay was really handed
    assert media_type == "application/pdf"
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert list(pdf.attachments) == []
        assert "/AF" not in pdf.Root
        assert "/EmbeddedFiles" not in pdf.Root.get("/Names", {})
        assert b"urn:factur-x" not in pdf.Root.Metadata.read_bytes()
    assert b"CrossIndustryInvoice" not in content
    assert "COPIE" in _text(content)
    assert "COPIE" not in _text(read_artefact(scene.artefact("F-1", "legal")))
    assert scene.counts(batch).received == scene.counts(batch).sent == 1  # a copy is not counted


@pytest.mark.beside_the_journal
def test_a_file_that_trips_a_bug_does_not_hold_its_neighbours(scene: Scene) -> None:
    """The planted bug: where the pack should be lies a folder, which nobody has thought of."""
    batch = scene.hand_over(file("F-1"), file("F-2"), file("F-3"))
    lines = [str(line.id) for line in scene.lines(batch)]
    broken = shelf().root / pack_name(scene.organisation.id, archive.RECEIVED, "0" * 64)
    broken.mkdir(parents=True)
    with acting_for(scene.organisation.id):
        StoredObject.objects.filter(sha256=hashlib.sha256(file("F-2")).hexdigest()).update(pack="0" * 64)

    organisation = str(scene.organisation.id)
    with pytest.raises(IsADirectoryError):
        jobs.prepare(organisation_id=organisation, line_ids=lines)
    for line in lines:  # the jobs that the first one has made due
        try:
            jobs.prepare(organisation_id=organisation, line_ids=[line])
        except IsADirectoryError:
            continue
    broken.rmdir()

    assert outcomes(scene, batch) == ["ready", "refused", "ready"]
    assert "met Faitfoi en défaut" in scene.lines(batch)[1].reason
    scene.deliver()
    assert len(scene.mails()) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "F" * 200},
        {"currency": "EURO"},
        {"buyer": {**BUYER, "name": "É" * 900}},
        {"seller": {**invoice("x")["seller"], "name": "É" * 900}},
        {"lines": [{**invoice("x")["lines"][0], "price": {"net": "9" * 30}}]},
        {"lines": [{**invoice("x")["lines"][0], "price": {"net": "9" * 17}}]},
        {"lines": [{**invoice("x")["lines"][0], "quantity": "0." + "1" * 40}]},
        {"issue_date": "0001-01-01"},
        {"issue_date": "9999-12-31"},
        {"number": "F-’«»\u202e🧾"},
        {"number": "../../etc/passwd"},
        {"payment_terms": "t" * 100_000},
        {"lines": []},
        {"buyer": {**BUYER, "identifiers": [], "legal_registration": None, "vat_identifier": "FR" + "9" * 300}},
        {"buyer": {**BUYER, "contact": {"email": "a" * 300 + "@long.example"}}},
        {"buyer": {**BUYER, "electronic_address": {"value": "9" * 300, "scheme": "0225"}}},
        {"buyer": {**BUYER, "identifiers": [{"value": "9" * 300, "scheme": "0009"}]}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_extravagant_invoice_is_judged_like_any_other(scene: Scene, changes: dict[str, object]) -> None:
    """No value is too long, too large or too odd for a sentence of ours: nothing trips."""
    with acting_for(scene.organisation.id):
        scene.organisation.registers_customers = True
        scene.organisation.save()
        Customer.objects.all().delete()
    batch = scene.hand_over(json.dumps({**invoice("F-0"), **changes}).encode(), file("F-1"))
    scene.prepare(batch)
    first, second = scene.lines(batch)
    assert first.outcome != LineOutcome.WAITING
    assert second.outcome == LineOutcome.NEEDS_SOMEONE  # a customer written from the invoice has no contact yet
    scene.deliver()
    counts = scene.counts(batch)
    assert counts.waiting == counts.held == 0


def test_empty_and_too_large_files_are_refused_lines_and_the_rest_goes_on(scene: Scene) -> None:
    batch = scene.send(b"", b" " * (MAX_FILE_BYTES + 1), file("F-1"))
    assert outcomes(scene, batch) == ["refused", "refused", "ready"]
    assert all(line.reason for line in scene.lines(batch)[:2])
    assert scene.counts(batch).sent == 1


def test_a_batch_of_nothing_or_of_too_much_is_turned_away_whole(scene: Scene) -> None:
    with pytest.raises(TooMuch, match="Aucun fichier"):
        scene.hand_over()
    many = ((f"{n}.json", b"x") for n in range(10_001))
    with pytest.raises(TooMuch, match="plusieurs lots"):
        receive(scene.organisation, many, origin=Batch.Origin.COMMAND, name="trop", actor=ACTOR)
    with acting_for(scene.organisation.id):
        assert not Batch.objects.exists()


def test_a_refused_file_handed_over_again_is_judged_anew(scene: Scene) -> None:
    """What was refused for a reason of ours, since mended, must not be frozen with its batch."""
    somebody_else = file("F-1", seller={**invoice("x")["seller"], "legal_registration": {"value": "000000026"}})
    batch = scene.send(somebody_else, b"", b"rien de lisible")
    assert outcomes(scene, batch) == ["refused", "refused", "refused"]
    before = [line.reason for line in scene.lines(batch)]
    with acting_for(scene.organisation.id):
        scene.organisation.sends_for_others = True
        scene.organisation.save()

    again = scene.send(somebody_else, b"", b"rien de lisible")
    assert again.id == batch.id
    assert outcomes(scene, batch) == ["ready", "refused", "refused"]
    assert [line.reason for line in scene.lines(batch)][1:] == before[1:]
    assert scene.counts(batch).sent == len(scene.mails()) == 1


def test_a_batch_is_resumed_where_it_was_left(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"), file("F-2"), file("F-3"))
    first, *_ = scene.lines(batch)
    jobs.prepare(organisation_id=str(scene.organisation.id), line_ids=[str(first.id)])
    assert outcomes(scene, batch) == ["ready", "waiting", "waiting"]
    assert scene.counts(batch).waiting == 2
    scene.deliver()

    assert scene.hand_over(file("F-1"), file("F-2"), file("F-3")).id == batch.id
    scene.prepare(batch)
    scene.deliver()
    assert outcomes(scene, batch) == ["ready"] * 3
    assert scene.counts(batch).sent == len(scene.mails()) == 3


def test_another_seller_s_invoice_is_refused_without_a_mandate(scene: Scene) -> None:
    seller = {**invoice("x")["seller"], "legal_registration": {"value": "000000091", "scheme": "0002"}}
    foreign = file("F-1", seller={**seller, "identifiers": [], "vat_identifier": "FR88000000091"})
    batch = scene.send(foreign, file("F-2"))
    assert outcomes(scene, batch) == ["refused", "ready"]
    assert "mandat" in scene.lines(batch)[0].reason


def test_the_journal_names_every_artefact_and_every_step(scene: Scene) -> None:
    scene.send(file("F-1"), file("F-2", TOWN), b"rien")
    with acting_for(scene.organisation.id):
        entries = [json.loads(body) for body in JournalEntry.objects.values_list("body", flat=True)]
        named = {value for entry in entries for key, value in entry.items() if key.startswith("sha256_")}
        assert named == set(Artefact.objects.values_list("sha256", flat=True))
        kinds = [entry["type"] for entry in entries]
        assert kinds.count("document_sealed") == Document.objects.count() == 2
        assert kinds.count("delivery_routed") == Delivery.objects.count() == 2
        assert kinds.count("line_refused") == BatchLine.objects.filter(outcome=LineOutcome.REFUSED).count() == 1
    text = json.dumps(entries)
    for private in (FARMER.email, FARMER.name, "F-1"):
        assert private not in text  # the journal never forgets, so it knows nobody


def _text(pdf: bytes) -> str:
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    shown = "".join(page.get_textpage().get_text_range() for page in document)
    return "".join(shown.split())  # the mark is letter-spaced
