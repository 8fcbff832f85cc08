"""The stage on which the journey is played: two organisations' files, customers and channels, on real simulators."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import FolderShelf
from faitfoi.evidence.store import Digest, Place
from faitfoi.pipeline import archive, following, questions
from faitfoi.pipeline import deliver as delivering
from faitfoi.pipeline import prepare as preparing
from faitfoi.pipeline.counts import Counts, count_batch
from faitfoi.pipeline.customers import fold
from faitfoi.pipeline.installation import store
from faitfoi.pipeline.receive import receive
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Artefact, Batch, BatchLine, Customer, Delivery, Document, Event
from faitfoi.records.objects import places_of
from faitfoi.records.stages import LineOutcome, Nature, Purpose, Stage
from faitfoi.records.vault import save_channel_settings
from faitfoi.simulators.chorus import ChorusSimulator
from faitfoi.simulators.control import Fault, FaultKind
from faitfoi.simulators.smtp import SmtpSimulator

ACTOR = "test"
RETURNS = "retours.example"
LONG_AGO = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """A customer of the cast; `siren` is empty for a consumer."""

    reference: str
    name: str
    nature: Nature
    siren: str = ""
    siret: str = ""
    email: str = ""
    electronic: str = ""
    scheme: str = "0225"


FARMER = Buyer(
    reference="C-1",
    name="EARL des Grands Champs",
    nature=Nature.TAXABLE,
    siren="000000034",
    siret="00000003400017",
    email="factures@grands-champs.example",
    electronic="000000034",
)
VINEYARD = Buyer(
    reference="C-2",
    name="SCEA Domaine des Rives",
    nature=Nature.TAXABLE,
    siren="000000042",
    siret="00000004200010",
    email="absent.cave@domaine-des-rives.example",
    electronic="000000042",
)
SILENT = Buyer(
    reference="C-3",
    name="SARL Sans Courriel",
    nature=Nature.TAXABLE,
    siren="000000059",
    siret="00000005900014",
    electronic="000000059",
)
TOWN = Buyer(
    reference="P-1",
    name="Commune de Valombreuse",
    nature=Nature.PUBLIC,
    siren="000000711",
    siret="00000071100010",
    email="mairie@valombreuse.example",
    electronic="000000711",
)
EVERYBODY = (FARMER, VINEYARD, SILENT, TOWN)


def invoice(number: str, buyer: Buyer = FARMER, **more: Any) -> dict[str, Any]:
    """Return an invoice in our JSON without what can be computed; `more` replaces whole terms."""
    return {
        "number": number,
        "issue_date": "2026-11-04",
        "type_code": "380",
        "currency": "EUR",
        "due_date": "2026-12-04",
        "payment_terms": "Paiement par virement au plus tard le 04/12/2026.",
        "notes": [
            {"text": "Trois fois le taux de l’intérêt légal.", "subject_code": "PMD"},
            {"text": "40 € d’indemnité forfaitaire pour frais de recouvrement.", "subject_code": "PMT"},
            {"text": "Pas d’escompte en cas de paiement anticipé.", "subject_code": "AAB"},
            {"text": "B2B", "subject_code": "BAR"},
        ],
        "process": {"business_process": "S1", "specification": "urn:cen.eu:en16931:2017"},
        "seller": _seller(),
        "buyer": _buyer(buyer),
        "delivery": {"actual_date": "2026-10-25"},
        "payment": {
            "means_code": "30",
            "remittance_information": number,
            "credit_transfers": [{"account": "FR7600000000000000000002619", "account_name": "CUMA des Trois Vallées"}],
        },
        "lines": [
            {
                "identifier": "1",
                "quantity": "2",
                "unit": "HUR",
                "price": {"net": "48.00"},
                "vat": {"category": "S", "rate": "20"},
                "item": {"name": "Moisson, moissonneuse-batteuse"},
            }
        ],
        **more,
    }


def file(number: str, buyer: Buyer = FARMER, **more: Any) -> bytes:
    """Return the same as bytes."""
    return json.dumps(invoice(number, buyer, **more), ensure_ascii=False).encode()


def priced(number: str, price: str, buyer: Buyer = FARMER) -> bytes:
    """Return an invoice of another price: other bytes under the same number."""
    whole = invoice(number, buyer)
    whole["lines"][0]["price"]["net"] = price
    return json.dumps(whole, ensure_ascii=False).encode()


def _seller() -> dict[str, Any]:
    return {
        "name": "CUMA des Trois Vallées",
        "identifiers": [{"value": "00000001800018", "scheme": "0009"}],
        "legal_registration": {"value": "000000018", "scheme": "0002"},
        "vat_identifier": "FR66000000018",
        "electronic_address": {"value": "000000018", "scheme": "0225"},
        "address": {"line_one": "4 route des Silos", "city": "Fontvallon", "postcode": "00210", "country": "FR"},
        "contact": {"point": "Secrétariat", "telephone": "04 65 71 00 26", "email": "secretariat@cuma.example"},
    }


def _buyer(buyer: Buyer) -> dict[str, Any]:
    return {
        "name": buyer.name,
        "identifiers": [{"value": buyer.siret, "scheme": "0009"}],
        "legal_registration": {"value": buyer.siren, "scheme": "0002"},
        "electronic_address": {"value": buyer.electronic, "scheme": buyer.scheme},
        "address": {"line_one": "1 place de la Mairie", "city": "Fontvallon", "postcode": "00210", "country": "FR"},
    }


@dataclass(slots=True)
class Scene:
    """One organisation with its customers and both channels, and what it does, step by step and in this process."""

    organisation: Organisation
    smtp: SmtpSimulator
    chorus: ChorusSimulator
    channels: dict[ChannelKey, dict[str, str]] = field(default_factory=dict)

    def set_up(self, customers: Iterable[Buyer] = EVERYBODY) -> None:
        """Write the customers and the channels' settings down."""
        self.channels = channel_settings(smtp_port=self.smtp.port, chorus_url=self.chorus.url)
        with acting_for(self.organisation.id):
            kept = [register(self.organisation, buyer) for buyer in customers]
            write_entry("scene_set", actor=ACTOR, rows=[self.organisation, *kept])
            for key, values in self.channels.items():
                save_channel_settings(key, values, actor=ACTOR)

    def change(self, channel: ChannelKey, **values: str) -> None:
        """Change settings of one channel."""
        self.channels[channel] = {**self.channels[channel], **values}
        with acting_for(self.organisation.id):
            save_channel_settings(channel, self.channels[channel], actor=ACTOR)

    def hand_over(self, *files: bytes, name: str = "lot", names: Mapping[int, str] | None = None) -> Batch:
        """Receive files as a batch."""
        named = [((names or {}).get(n, f"{n}.json"), content) for n, content in enumerate(files, start=1)]
        return receive(self.organisation, named, origin=Batch.Origin.COMMAND, name=name, actor=ACTOR)

    def prepare(self, batch: Batch) -> None:
        """Prepare the batch's waiting lines."""
        with acting_for(self.organisation.id):
            waiting = list(batch.lines.filter(outcome=LineOutcome.WAITING).values_list("id", flat=True))
        preparing.prepare(self.organisation.id, waiting, actor=ACTOR)

    def deliver(self) -> None:
        """Try every routed delivery, whatever its hour."""
        with acting_for(self.organisation.id):
            routed = Delivery.objects.filter(stage=Stage.ROUTED)
            routed.update(next_attempt_at=timezone.now() - LONG_AGO)
            ids = list(routed.values_list("id", flat=True))
        delivering.deliver(self.organisation.id, ids)

    def send(self, *files: bytes) -> Batch:
        """Receive, prepare and deliver once."""
        batch = self.hand_over(*files)
        self.prepare(batch)
        self.deliver()
        return batch

    def ask(self) -> None:
        """Ask once about every delivery whose answer was lost."""
        with acting_for(self.organisation.id):
            ids = list(Delivery.objects.filter(stage=Stage.TO_FIND).values_list("id", flat=True))
        questions.ask(self.organisation.id, ids)

    def poll(self) -> None:
        """Fetch once the news of every delivery that is followed."""
        with acting_for(self.organisation.id):
            ids = list(Delivery.objects.exclude(next_poll_at=None).values_list("id", flat=True))
        following.poll(self.organisation.id, ids, actor=ACTOR)

    def lines(self, batch: Batch) -> list[BatchLine]:
        """Return the batch's lines in order."""
        with acting_for(self.organisation.id):
            return list(batch.lines.select_related("document").order_by("position"))

    def counts(self, batch: Batch) -> Counts:
        """Count the batch, which must agree."""
        with acting_for(self.organisation.id):
            counts = count_batch(batch)
        assert counts.disagreements() == []
        return counts

    def document(self, number: str) -> Document:
        """Return the document of that number."""
        with acting_for(self.organisation.id):
            return Document.objects.get(number=number)

    def delivery(self, number: str, purpose: Purpose = Purpose.LEGAL) -> Delivery:
        """Return a document's delivery as it stands now."""
        with acting_for(self.organisation.id):
            return Delivery.objects.select_related("artefact", "document").get(document__number=number, purpose=purpose)

    def stage(self, number: str) -> Stage:
        """Return where a document's legal delivery stands."""
        return Stage(self.delivery(number).stage)

    def story(self, number: str) -> list[str]:
        """Return the stages that a document's legal delivery went through, in order."""
        with acting_for(self.organisation.id):
            told = Event.objects.filter(delivery_id=self.delivery(number).id, axis=Event.Axis.OURS)
            return list(told.order_by("id").values_list("code", flat=True))

    def artefact(self, number: str, role: str) -> Artefact:
        """Return one rendering of a document."""
        with acting_for(self.organisation.id):
            return Artefact.objects.get(document__number=number, role=role)

    def stored(self, sha256: str) -> Path:
        """Return the first pack that holds an object, for whoever wants to damage it."""
        return shelf().root / self._places(sha256)[0].pack

    def alter(self, sha256: str) -> None:
        """Change one bit in the middle of an object, wherever it lies."""
        for place in self._places(sha256):
            path = shelf().root / place.pack
            content = bytearray(path.read_bytes())
            content[place.offset + place.size // 2] ^= 1
            path.chmod(0o640)
            path.write_bytes(bytes(content))

    def lose(self, sha256: str) -> None:
        """Remove every pack that holds an object."""
        for place in self._places(sha256):
            (shelf().root / place.pack).unlink()

    def _places(self, sha256: str) -> list[Place]:
        with acting_for(self.organisation.id):
            return places_of(sha256)

    def mails(self) -> list[str]:
        """Return the Message-ID of every mail that the relay has taken."""
        return [received.message_id for received in self.smtp.received]

    def deposits(self) -> list[tuple[str, str]]:
        """Return (supplier, number) of every deposit that Chorus Pro has taken."""
        told: Any = self.chorus.state.records({})
        return [(deposit["supplier"], deposit["number"]) for deposit in told["deposits"]]

    def advance(self, **ago: float) -> None:
        """Push the time of Chorus Pro."""
        self.chorus.clock.advance(timedelta(**ago).total_seconds())


def shelf() -> FolderShelf:
    """Return the folder of this installation's packs."""
    first = store().first
    assert isinstance(first, FolderShelf)
    return first


def keep(organisation: Organisation, content: bytes) -> Digest:
    """Keep one object in a pack of its own, with its row and its entry."""
    kept = archive.pack(organisation.id, [content])
    with acting_for(organisation.id):
        archive.claim(kept, actor=ACTOR)
    return kept.objects[0].digest


def register(organisation: Organisation, buyer: Buyer, **more: Any) -> Customer:
    """Write a customer's record down. Runs inside `acting_for`."""
    return Customer.objects.create(
        organisation=organisation,
        reference=buyer.reference,
        name=buyer.name,
        search_key=fold(buyer.name),
        nature=buyer.nature,
        siren=buyer.siren,
        siret=buyer.siret,
        billing_email=buyer.email,
        electronic_address=buyer.electronic,
        **more,
    )


def channel_settings(*, smtp_port: int, chorus_url: str, patience: int = 30) -> dict[ChannelKey, dict[str, str]]:
    """Return the settings of both channels for simulators that listen there; `patience` in seconds for an answer.

    Long by default: whoever tests silence sets less, and no other test hangs on how busy the machine is.
    """
    return {
        ChannelKey.EMAIL: {
            "host": "127.0.0.1",
            "port": str(smtp_port),
            "tls": "none",
            "sender_address": "factures@trois-vallees.example",
            "return_domain": RETURNS,
            "deadline_seconds": str(patience),
        },
        ChannelKey.CHORUS_PRO: {
            "api_url": f"{chorus_url}/cpro",
            "token_url": f"{chorus_url}/api/oauth/token",
            "client_id": "essai",
            "client_secret": "essai",
            "technical_login": "TECH_ESSAI@cpro.example",
            "technical_password": "essai",
            "timeout": str(patience),
        },
    }


def fault(kind: FaultKind, *, times: int | None = 1, seconds: float = 0.0, on: str = "", code: str = "") -> Fault:
    """Plan a failure of the other side."""
    return Fault(kind=kind, times=times, seconds=seconds, on=on, code=code)


def ids_of(deliveries: Iterable[Delivery]) -> list[UUID]:
    """Return the ids of deliveries."""
    return [delivery.id for delivery in deliveries]
