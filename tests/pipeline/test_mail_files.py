"""What goes along with a mail, and what never does."""

import pytest

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.smtp_mail_message import Sender, compose
from faitfoi.pipeline.mail_files import CannotJoin, join_file
from faitfoi.records.models import Customer
from tests.channels.mail_rig import NOW, parcel, read
from tests.pipeline.cast import ACTOR, FARMER, VINEYARD, Scene, file

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
def test_what_is_no_pdf_or_for_nobody_is_refused(scene: Scene) -> None:
    with pytest.raises(CannotJoin, match="PDF"):
        join_file(scene.organisation, b"MZ", filename="x.exe", actor=ACTOR)
    with pytest.raises(CannotJoin, match="un client, ou un lot"):
        join_file(scene.organisation, PDF, filename="x.pdf", actor=ACTOR)


def test_a_message_says_that_a_machine_wrote_it_and_has_one_recipient_no_pixel_and_no_unsubscribe_link() -> None:
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
