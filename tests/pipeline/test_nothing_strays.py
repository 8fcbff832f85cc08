"""With notices, groups, copies and joined files: nothing of one customer's mail is ever in another's."""

import hashlib
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.mail_files import drop_file, join_file
from faitfoi.pipeline.notices import want_notices
from faitfoi.pipeline.receive import receive
from faitfoi.pipeline.setting_up import change_customer
from faitfoi.records.models import Artefact, Batch, Customer, MailFile
from tests.channels.mail_rig import files_of, read
from tests.pipeline.cast import ACTOR, FARMER, TOWN, VINEYARD, Buyer, Scene, file

pytestmark = pytest.mark.django_db

NUMBERS = count(1)
BUYERS = [FARMER, VINEYARD, TOWN]
OWN = b"%PDF-1.7\n"


def prepared(scene: Scene, *, grouped: bool, owners: set[str]) -> None:
    """Set what this example asks for: grouping, notices, a copy for the town, and files of customers."""
    scene.smtp.control.obey("POST /control/reset", {})
    scene.change(ChannelKey.EMAIL, grouping="customer" if grouped else "invoice")
    with acting_for(scene.organisation.id):
        for row in MailFile.objects.all():
            drop_file(row.id, actor=ACTOR)
        want_notices(scene.organisation, ChannelKey.EMAIL, actor=ACTOR)
        customers = {each.reference: each for each in Customer.objects.all()}
        change_customer(customers[TOWN.reference].id, {"copy_channel": "email"}, actor=ACTOR)
    for owner in sorted(owners):
        join_file(
            scene.organisation,
            OWN + owner.encode(),
            filename=f"{owner}.pdf",
            customer=customers[owner],
            actor=ACTOR,
        )


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    runs=st.lists(
        st.tuples(st.lists(st.sampled_from(BUYERS), min_size=1, max_size=3), st.booleans()), min_size=1, max_size=2
    ),
    grouped=st.booleans(),
    owners=st.sets(st.sampled_from([each.reference for each in BUYERS])),
)
def test_no_address_attachment_or_text_of_one_customer_is_in_anothers_mail(
    scene: Scene, runs: list[tuple[list[Buyer], bool]], grouped: bool, owners: set[str]
) -> None:
    """Complaint D42."""
    prepared(scene, grouped=grouped, owners=owners)
    numbers: dict[str, tuple[Buyer, str]] = {}
    joined: set[str] = set()
    for buyers, with_file in runs:
        run = f"lot-{next(NUMBERS)}"
        named = {f"N{next(NUMBERS):05d}Z": (buyer, run) for buyer in buyers}
        numbers |= named
        if with_file:
            joined.add(run)
        batch = receive(
            scene.organisation,
            [(f"{number}.json", file(number, buyer)) for number, (buyer, _) in named.items()],
            origin=Batch.Origin.COMMAND,
            name=run,
            actor=ACTOR,
            along=[(f"{run}.pdf", OWN + run.encode())] if with_file else [],
        )
        scene.prepare(batch)
    scene.deliver()
    scene.advance(hours=1)
    scene.poll()
    scene.deliver()

    told: list[tuple[str, str]] = []
    for received, raw in zip(scene.smtp.received, scene.smtp.raw, strict=True):
        told += judged(scene, received.rcpt_to, raw, numbers=numbers, owners=owners, joined=joined)
    wanted = [(number, "legal") for number, (buyer, _) in numbers.items() if buyer is not TOWN]
    wanted += [(number, kind) for number, (buyer, _) in numbers.items() if buyer is TOWN for kind in ("copy", "notice")]
    assert sorted(told) == sorted(wanted)  # each once, none lost


def judged(
    scene: Scene,
    recipient: str,
    raw: bytes,
    *,
    numbers: dict[str, tuple[Buyer, str]],
    owners: set[str],
    joined: set[str],
) -> list[tuple[str, str]]:
    """Hold one message to what it may hold; returns what it told of which documents."""
    message = read(raw)
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    said = " ".join([str(message["Subject"]), str(message["To"]), *(each.get_content() for each in bodies if each)])
    files = files_of(message)
    about = {number for number in numbers if number in said or any(number in str(name) for name, _, _ in files)}
    (buyer,) = {numbers[number][0].reference: numbers[number][0] for number in about}.values()
    assert recipient == buyer.email
    for other in BUYERS:
        if other is not buyer:
            assert other.name not in said
            assert other.email.encode() not in raw
    with acting_for(scene.organisation.id):
        own = {
            row.filename: row
            for row in Artefact.objects.filter(document__number__in=about, role="copy" if buyer is TOWN else "legal")
        }
    may_hold = {OWN + buyer.reference.encode()} if buyer.reference in owners else set()
    may_hold |= {OWN + run.encode() for run in joined & {numbers[number][1] for number in about}}
    if not files:
        return [(number, "notice") for number in about]
    carried = {str(name): content for name, _, content in files if content not in may_hold}
    assert set(carried) == set(own)
    for name, content in carried.items():
        assert hashlib.sha256(content).hexdigest() == own[name].sha256
    assert {content for _, _, content in files} >= may_hold
    return [(number, "copy" if buyer is TOWN else "legal") for number in about]
