"""What goes along with a mail, and what never does."""

import pytest

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.smtp_mail_message import Sender, compose
from faitfoi.pipeline.archive import fetch
from faitfoi.pipeline.mail_files import LARGEST, MOST, CannotJoin, check_files, drop_file, join_file
from faitfoi.pipeline.receive import receive
from faitfoi.pipeline.setting_up import change_customer
from faitfoi.records.models import Batch, Customer, MailFile
from tests.channels.mail_rig import NOW, parcel, read
from tests.pipeline.cast import ACTOR, FARMER, TOWN, VINEYARD, Scene, file, keep

PNG = b"\x89PNG\r\n\x1a\n"
PDF = b"%PDF-1.7\nbon de livraison"


def names(scene: Scene, address: str) -> list[str]:
    received = [each for each in scene.smtp.received if each.rcpt_to == address]
    return [joined.filename for each in received for joined in each.attachments]


@pytest.mark.django_db(transaction=True)
def test_a_customers_file_goes_along_with_its_mails_only(scene: Scene, rival: Organisation) -> None:
    with acting_for(scene.organisation.id):
        farmer = Customer.objects.get(reference=FARMER.reference)
    join_file(scene.organisation, PDF, filename="contrat.pdf", customer=farmer, actor=ACTOR)
    scene.send(file("F-1"), file("F-2", VINEYARD))
    assert "contrat.pdf" in names(scene, FARMER.email)
    assert "contrat.pdf" not in names(scene, VINEYARD.email)


@pytest.mark.django_db(transaction=True)
def test_a_batchs_file_goes_along_with_its_mails_only(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"))
    join_file(scene.organisation, PDF, filename="note.pdf", batch=batch, actor=ACTOR)
    scene.prepare(batch)
    scene.deliver()
    assert "note.pdf" in names(scene, FARMER.email)
    scene.send(file("F-2", VINEYARD))
    assert "note.pdf" not in names(scene, VINEYARD.email)


@pytest.mark.django_db(transaction=True)
def test_the_terms_of_sale_do_not_take_the_place_of_a_file(scene: Scene) -> None:
    scene.organisation.terms_sha256 = keep(scene.organisation, b"%PDF-1.7 conditions de vente").sha256
    with acting_for(scene.organisation.id):
        scene.organisation.save()
        farmer = Customer.objects.get(reference=FARMER.reference)
    join_file(scene.organisation, PDF, filename="contrat.pdf", customer=farmer, actor=ACTOR)
    scene.send(file("F-1"))
    assert names(scene, FARMER.email)[1:] == ["conditions-generales-de-vente.pdf", "contrat.pdf"]


@pytest.mark.django_db(transaction=True)
def test_what_is_no_pdf_or_for_nobody_is_refused(scene: Scene) -> None:
    with pytest.raises(CannotJoin, match="PDF"):
        join_file(scene.organisation, b"MZ", filename="x.exe", actor=ACTOR)
    with pytest.raises(CannotJoin, match="un client, ou un lot"):
        join_file(scene.organisation, PDF, filename="x.pdf", actor=ACTOR)


@pytest.mark.django_db(transaction=True)
def test_files_handed_over_with_a_batch_go_with_each_of_its_mails_and_its_copies(scene: Scene) -> None:
    with acting_for(scene.organisation.id):
        change_customer(Customer.objects.get(reference=TOWN.reference).id, {"copy_channel": "email"}, actor=ACTOR)
    batch = receive(
        scene.organisation,
        [("1.json", file("F-1")), ("2.json", file("F-2", VINEYARD)), ("3.json", file("F-3", TOWN))],
        origin=Batch.Origin.COMMAND,
        name="lot",
        actor=ACTOR,
        along=[("tarifs.pdf", PDF), ("plan.png", PNG)],
    )
    scene.prepare(batch)
    scene.deliver()
    assert len(scene.mails()) == 3
    for address in (FARMER.email, VINEYARD.email, TOWN.email):
        assert {"tarifs.pdf", "plan.png"} <= set(names(scene, address))
    assert not [each for each in scene.deposits() if "tarifs" in str(each)]


@pytest.mark.django_db(transaction=True)
def test_what_cannot_go_along_keeps_the_whole_batch_here(scene: Scene) -> None:
    with pytest.raises(CannotJoin, match=r"« x\.docx » n’est ni un PDF ni une image"):
        receive(
            scene.organisation,
            [("1.json", file("F-1"))],
            origin=Batch.Origin.COMMAND,
            name="lot",
            actor=ACTOR,
            along=[("x.docx", b"PK")],
        )
    with acting_for(scene.organisation.id):
        assert not Batch.objects.exists()
        assert not MailFile.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_after_the_first_mail_nothing_joins_a_batch(scene: Scene) -> None:
    batch = scene.send(file("F-1"))
    with pytest.raises(CannotJoin, match="déjà parti"):
        join_file(scene.organisation, PDF, filename="note.pdf", batch=batch, actor=ACTOR)
    with acting_for(scene.organisation.id):
        assert not MailFile.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_file_that_was_taken_off_does_not_leave_and_makes_room(scene: Scene, rival: Organisation) -> None:
    batch = scene.hand_over(file("F-1"))
    kept = [
        join_file(scene.organisation, PDF, filename=f"{rank}.pdf", batch=batch, actor=ACTOR) for rank in range(MOST)
    ]
    with pytest.raises(CannotJoin, match="et 5 au plus : retirez-en"):
        join_file(scene.organisation, PDF, filename="6.pdf", batch=batch, actor=ACTOR)
    with acting_for(rival.id):
        assert not drop_file(kept[0].id, actor=ACTOR)
    with acting_for(scene.organisation.id):
        assert drop_file(kept[0].id, actor=ACTOR)
        assert not drop_file(kept[0].id, actor=ACTOR)
    scene.prepare(batch)
    scene.deliver()
    assert set(names(scene, FARMER.email)) == {"facture-F-1.pdf", "1.pdf", "2.pdf", "3.pdf", "4.pdf"}


@pytest.mark.django_db(transaction=True)
def test_an_invoice_never_goes_along_with_the_mails_of_others(scene: Scene) -> None:
    scene.send(file("F-1"))
    sealed = fetch(scene.organisation.id, scene.artefact("F-1", "legal").sha256)
    batch = scene.hand_over(file("F-2", VINEYARD))
    with pytest.raises(CannotJoin, match="est la facture F-1 : jointe, elle irait à d’autres"):
        join_file(scene.organisation, sealed, filename="x.pdf", batch=batch, actor=ACTOR)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([("vide.pdf", b"")], "« vide.pdf » est vide"),
        ([("a.exe", b"MZ")], "n’est ni un PDF ni une image"),
        ([("gros.png", PNG + b"0" * LARGEST)], "« gros.png » pèse 7,0 Mo ; un fichier joint pèse au plus 7,0 Mo"),
        ([("a.png", PNG + b"0" * 6 * 1024**2), ("b.png", PNG + b"0" * 6 * 1024**2)], "pèseraient 12,0 Mo"),
        ([(f"{rank}.png", PNG) for rank in range(MOST + 1)], "Vous joignez 6 fichiers"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_name_and_the_limit(
    given: list[tuple[str, bytes]], said: str
) -> None:
    with pytest.raises(CannotJoin, match=said):
        check_files(given)


def test_a_message_says_that_a_machine_wrote_it_and_has_one_recipient_no_pixel_and_no_unsubscribe_link() -> None:
    """Complaint E53."""
    message = read(compose(parcel(), sender=Sender(address="f@c.example", name="C"), at=NOW).content)
    assert message["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in message
    assert "List-Unsubscribe-Post" not in message
    assert not {"Cc", "Bcc"} & set(message.keys())
    assert len(message["To"].addresses) == 1
    page = message.get_body(("html",))
    assert page is not None
    for trace in ("<img", "http:", "https:", "url(", "<script", "<link"):
        assert trace not in page.get_content().lower()


def test_the_message_id_is_the_same_at_each_attempt() -> None:
    first, second = (compose(parcel(), sender=Sender(address="f@c.example", name="C"), at=NOW) for _ in range(2))
    assert first.message_id == second.message_id
    assert first.mail_from == second.mail_from
