"""Alice's organisation at work: a document at each stage, real bytes in the store, written as the pipeline does."""

import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import unescape

import pikepdf
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from faitfoi.accounts.models import ChannelKey, Mandate, Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.customers import fold
from faitfoi.records.models import (
    Act,
    Artefact,
    Attempt,
    Attestation,
    Batch,
    BatchLine,
    Customer,
    DeadLetter,
    Delivery,
    Document,
    Elimination,
    Event,
    Hold,
    MailFile,
    WebhookDoor,
    WrittenTrail,
)
from faitfoi.records.models_archive import AttestationKind
from faitfoi.records.stages import ArtefactRole, LineOutcome, Nature, Purpose, Stage
from faitfoi.records.transitions import move
from tests.conftest import make_member
from tests.pipeline.cast import keep

# How our own axis leads to each stage.
WAY = {
    Stage.ROUTED: [],
    Stage.SENDING: [Stage.SENDING],
    Stage.SENT: [Stage.SENDING, Stage.SENT],
    Stage.ACCEPTED: [Stage.SENDING, Stage.SENT, Stage.ACCEPTED],
    Stage.DELIVERED: [Stage.SENDING, Stage.SENT, Stage.DELIVERED],
    Stage.RETURNED: [Stage.SENDING, Stage.SENT, Stage.RETURNED],
    Stage.REJECTED: [Stage.SENDING, Stage.SENT, Stage.REJECTED],
    Stage.TO_FIND: [Stage.SENDING, Stage.TO_FIND],
    Stage.UNKNOWN: [Stage.SENDING, Stage.TO_FIND, Stage.UNKNOWN],
    Stage.TO_FIX: [Stage.SENDING, Stage.TO_FIX],
    Stage.HELD: [Stage.SENDING, Stage.HELD],
}
WAITING_FOR = "La facture F-SANS-CANAL attend le SIRET du client. Ajoutez-le à sa fiche, puis relancez."
XML = b"<facture>fictive</facture>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the organisation has: its batch, and a document by the stage of its legal delivery (None: no delivery)."""

    organisation: Organisation
    batch: Batch
    documents: dict[Stage | None, Document]

    def delivery(self, stage: Stage) -> Delivery:
        """Return the legal delivery that stands at a stage."""
        with acting_for(self.organisation.id):
            return Delivery.objects.get(document=self.documents[stage])

    def artefact(self, stage: Stage, role: ArtefactRole = ArtefactRole.LEGAL) -> Artefact:
        """Return a rendering of the document at a stage."""
        with acting_for(self.organisation.id):
            return Artefact.objects.get(document=self.documents[stage], role=role)

    def attestation(self) -> Attestation:
        """Return an attestation of the organisation, its page really in the store."""
        with acting_for(self.organisation.id):
            digest = keep(self.organisation, blank_pdf())
            named = {"sha256": digest.sha256, "sha512": digest.sha512, "size": digest.size}
            return Attestation.objects.get_or_create(
                organisation=self.organisation, number=1, defaults={"kind": AttestationKind.DEPOSIT, **named}
            )[0]

    def act(self) -> Act:
        """Return an act that waits for a person."""
        with acting_for(self.organisation.id):
            delivery = Delivery.objects.get(document=self.documents[Stage.SENT])
            told = {"kind": "completer", "reason": "Le portail demande un fichier."}
            made, _ = Act.objects.get_or_create(
                organisation=self.organisation, delivery=delivery, key=delivery.key[:100], defaults=told
            )
            return made

    def trail(self) -> WrittenTrail:
        """Return a version of the written audit trail, its page really in the store."""
        with acting_for(self.organisation.id):
            digest = keep(self.organisation, blank_pdf())
            named = {"sha256": digest.sha256, "sha512": digest.sha512, "size": digest.size, "statement": {}}
            return WrittenTrail.objects.get_or_create(organisation=self.organisation, version=1, defaults=named)[0]

    def event(self) -> Event:
        """Return what the other side said of a document."""
        with acting_for(self.organisation.id):
            return Event.objects.get(document=self.documents[Stage.REJECTED], axis=Event.Axis.THEIRS)

    def letter(self) -> DeadLetter:
        """Return a piece of news that fits no delivery."""
        with acting_for(self.organisation.id):
            told = {"code": "212", "grade": "paid", "at": timezone.now()}
            return DeadLetter.objects.get_or_create(
                organisation=self.organisation, channel=ChannelKey.EMAIL, identity="nouvelle", defaults=told
            )[0]

    def file(self) -> MailFile:
        """Return a file that goes along with the batch's mails."""
        with acting_for(self.organisation.id):
            told = {"media_type": "application/pdf", "sha256": "0" * 64}
            return MailFile.objects.get_or_create(
                organisation=self.organisation, batch=self.batch, filename="tarifs.pdf", defaults=told
            )[0]

    def door(self) -> WebhookDoor:
        """Return an address given to a mail provider."""
        told = {"organisation_id": self.organisation.id, "provider": "postmark"}
        return WebhookDoor.objects.get_or_create(digest="0" * 64, defaults=told)[0]

    def hold(self) -> Hold:
        """Return a hold over the whole organisation."""
        with acting_for(self.organisation.id):
            told = {"scope": Hold.Scope.ORGANISATION, "placed_by": "operator"}
            return Hold.objects.get_or_create(organisation=self.organisation, reason="Contrôle.", defaults=told)[0]

    def elimination(self) -> Elimination:
        """Return a request that waits."""
        with acting_for(self.organisation.id):
            told = {"requested_by": "operator"}
            return Elimination.objects.get_or_create(organisation=self.organisation, reason="Terme.", defaults=told)[0]

    def stage(self, delivery: Delivery) -> Stage:
        """Return where a delivery stands now."""
        with acting_for(self.organisation.id):
            return Stage(Delivery.objects.values_list("stage", flat=True).get(pk=delivery.pk))


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hash passwords quickly: the cost that protects them in production is not what is tested here."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def documents(cooperative: Organisation) -> Work:
    """One document at each stage, one without a channel, a refused file and one still waiting to be read."""
    with acting_for(cooperative.id):
        return make_work(cooperative)


@pytest.fixture
def auditor(cooperative: Organisation) -> User:
    """Who reads everything and changes nothing."""
    return make_auditor(cooperative, "edith@cabinet.example", years=[2026])


def make_auditor(
    organisation: Organisation, email: str, *, years: list[int], last_day: date = date(2100, 12, 31)
) -> User:
    """Create an auditor with an access to financial years, open since long ago."""
    user = make_member(organisation, email, role=Role.AUDITOR)
    with acting_for(organisation.id):
        Mandate.objects.create(
            organisation=organisation,
            user=user,
            years=years,
            first_day=date(2020, 1, 1),
            last_day=last_day,
            given_by="test",
        )
    return user


@pytest.fixture
def as_alice(alice: User) -> Client:
    """A browser where Alice is signed in."""
    return signed_in_as(alice)


@pytest.fixture
def manager(bob: User) -> Client:
    """The cooperative's manager, signed in."""
    return signed_in_as(bob)


@pytest.fixture
def dora(rival: Organisation) -> Client:
    """The manager of an organisation that is no demonstration."""
    return signed_in_as(make_member(rival, "dora@rival.example", role=Role.MANAGER))


def plain(content: bytes) -> str:
    """Return a page as it is read: entities as characters, and every kind of space as a space."""
    return unescape(content.decode()).replace("\u00a0", " ").replace("\u202f", " ")


def signed_in_as(user: User) -> Client:
    """Return a browser where `user` is signed in; it checks the CSRF token as the server does."""
    client = Client()
    client.force_login(user)
    return client


def make_work(organisation: Organisation) -> Work:
    """Write the organisation's work; inside its transaction."""
    batch = Batch.objects.create(
        organisation=organisation,
        name="Moissons de novembre",
        origin=Batch.Origin.COMMAND,
        fingerprint="1" * 64,
        created_by="test",
    )
    customer = make_customer(organisation, "Élevage du Pré Noir")
    made: dict[Stage | None, Document] = {}
    for position, stage in enumerate(Stage, start=1):
        made[stage] = make_document(organisation, customer, f"F-{stage.name}")
        make_line(batch, position, made[stage])
        make_delivery(made[stage], stage)
    made[None] = make_document(organisation, customer, "F-SANS-CANAL", waiting_for=WAITING_FOR)
    make_line(batch, 50, made[None], outcome=LineOutcome.NEEDS_SOMEONE, reason=WAITING_FOR)
    finding = {"rule": "BR-16", "severity": "fatal", "term": "BG-25", "message": "Une facture a une ligne au moins."}
    refused = {"reason": "Une règle officielle n’est pas respectée.", "findings": [finding]}
    BatchLine.objects.create(
        organisation=organisation,
        batch=batch,
        position=51,
        filename="fausse.xml",
        sha256="2" * 64,
        size=9,
        outcome=LineOutcome.REFUSED,
        **refused,
    )
    BatchLine.objects.create(
        organisation=organisation, batch=batch, position=52, filename="lente.xml", sha256="3" * 64, size=9
    )
    return Work(organisation=organisation, batch=batch, documents=made)


def make_customer(organisation: Organisation, name: str) -> Customer:
    """Write one customer."""
    return Customer.objects.create(
        organisation=organisation,
        reference=fold(name)[:60],
        name=name,
        search_key=fold(name),
        nature=Nature.TAXABLE,
        billing_email="compta@pre-noir.example",
    )


def make_document(organisation: Organisation, customer: Customer, number: str, *, waiting_for: str = "") -> Document:
    """Write one document with its original and its legal rendering, both really in the store."""
    document = Document.objects.create(
        organisation=organisation,
        kind="invoice",
        number=number,
        seller_siren=organisation.siren,
        seller_name=organisation.name,
        issue_date=date(2026, 11, 2),
        customer=customer,
        buyer_name=customer.name,
        currency="EUR",
        total_with_vat=Decimal("1234.50"),
        due=Decimal("1234.50"),
        format="cii",
        original_sha256="4" * 64,
        invoice={},
        findings=[{"rule": "BR-FR-05", "severity": "warning", "term": "", "message": "Une mention manque."}],
        waiting_for=waiting_for,
    )
    for role, filename, media_type, content in (
        (ArtefactRole.ORIGINAL, "original.xml", "application/xml", XML),
        (ArtefactRole.LEGAL, "facture.pdf", "application/pdf", blank_pdf()),
    ):
        digest = keep(organisation, content)
        Artefact.objects.create(
            organisation=organisation,
            document=document,
            role=role,
            filename=filename,
            media_type=media_type,
            sha256=digest.sha256,
            sha512=digest.sha512,
            size=digest.size,
            sealed=role == ArtefactRole.LEGAL,
        )
    return document


def make_line(
    batch: Batch,
    position: int,
    document: Document,
    *,
    outcome: LineOutcome = LineOutcome.READY,
    reason: str = "",
    already_done: bool = False,
) -> BatchLine:
    """Write the line of one document."""
    return BatchLine.objects.create(
        organisation_id=batch.organisation_id,
        batch=batch,
        position=position,
        filename=f"{document.number}.xml",
        sha256="5" * 64,
        size=len(XML),
        outcome=outcome,
        reason=reason,
        document=document,
        already_done=already_done,
    )


def make_delivery(document: Document, stage: Stage, *, sequence: int = 1) -> Delivery:
    """Write the legal delivery of a document and lead it to a stage by the only door."""
    delivery = Delivery.objects.create(
        organisation_id=document.organisation_id,
        document=document,
        artefact=document.artefacts.get(role=ArtefactRole.LEGAL),
        purpose=Purpose.LEGAL,
        channel=ChannelKey.EMAIL,
        sequence=sequence,
        address="compta@pre-noir.example",
        reason=f"Canal de {document.number} : la fiche du client le demande.",
        key=f"{document.id}:legal:{sequence}",
        message_ref=f"{sequence}{document.id.hex[-25:]}",
        next_attempt_at=timezone.now(),
    )
    source = Stage.ROUTED
    for target in WAY[stage]:
        assert move(delivery.id, source=source, target=target, actor="test", reason=f"Raison de {target.name}.")
        source = target
    if stage in {Stage.RETURNED, Stage.REJECTED}:
        Event.objects.create(
            organisation_id=document.organisation_id,
            document=document,
            delivery=delivery,
            axis=Event.Axis.THEIRS,
            code="5.1.1",
            grade="returned" if stage is Stage.RETURNED else "rejected",
            at=timezone.now(),
            reason="La boîte n’existe pas.",
            who="serveur du client",
            identity="dsn",
        )
    if stage is not Stage.ROUTED:
        Attempt.objects.create(
            organisation_id=document.organisation_id,
            delivery=delivery,
            number=1,
            worker="test",
            deadline=timezone.now(),
            lease_until=timezone.now(),
            outcome=Attempt.Outcome.RECEIPT,
        )
    return delivery


def blank_pdf(pages: int = 1) -> bytes:
    """Return a PDF of blank pages."""
    pdf = pikepdf.new()
    for _ in range(pages):
        pdf.add_blank_page()
    target = io.BytesIO()
    pdf.save(target, deterministic_id=True)
    return target.getvalue()
