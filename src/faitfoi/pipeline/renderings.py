"""Makes the artefacts of one document: original, legal, the version Chorus Pro wants, the copy marked COPIE."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.channels.chorus_pro_settings import FlowFormat
from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.page import Look, render_page
from faitfoi.einvoice.reading import Format, Reading, Unreadable
from faitfoi.evidence.store import Digest, digest_of
from faitfoi.pipeline.archive import fetch
from faitfoi.pipeline.installation import sandbox
from faitfoi.pipeline.judging import Refusal, Verdict
from faitfoi.pipeline.renderings_chorus import format_for, invoice_for_chorus, xml_for_chorus
from faitfoi.pipeline.renderings_pa import xml_for_platform
from faitfoi.pipeline.routing import Decision
from faitfoi.pipeline.sealing import Sealed, Sealer
from faitfoi.records.stages import ArtefactRole

PDF, XML = "application/pdf", "application/xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """One artefact, made and not yet kept."""

    role: ArtefactRole
    filename: str
    media_type: str
    content: bytes
    sealed: bool = False
    certificate: str = ""
    """The fingerprint of the certificate that sealed it."""
    level: str = ""
    """The level of its seal: B-B or B-T."""
    xml_sha256: str = ""
    """Of the XML that the legal artefact carries: the entry names it too, so that a dossier can hand it out."""

    @property
    def digest(self) -> Digest:
        """Both fingerprints of its bytes."""
        return digest_of(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What an organisation's artefacts are made with, opened once for several documents."""

    organisation: Organisation
    look: Look
    sealer: Sealer


def open_workshop(organisation: Organisation) -> Workshop:
    """Open what an organisation's artefacts are made with."""
    return Workshop(organisation=organisation, look=look_of(organisation), sealer=Sealer(organisation.id))


def render_all(workshop: Workshop, verdict: Verdict, content: bytes, *, at: datetime) -> tuple[Rendering, ...]:
    """Make every artefact that the document and its way need.

    Raises Refusal when it cannot be sealed, CannotSeal when nothing can be for now.
    """
    made = [_original(verdict.reading, content)]
    reading, look = verdict.reading, workshop.look
    xml = _carried_xml(reading)
    # A PDF that came in stays as it is; what came without one is laid out with its XML inside.
    legal = reading.pdf or render_page(reading.invoice, look=look, created=at, xml=xml)
    sealed = _sealed(workshop.sealer, verdict, legal, role=ArtefactRole.LEGAL, at=at)
    made.append(replace(sealed, xml_sha256=hashlib.sha256(xml).hexdigest()))
    return (*made, *render_for_way(workshop, verdict, at=at))


def render_for_way(workshop: Workshop, verdict: Verdict, *, at: datetime) -> tuple[Rendering, ...]:
    """Make what the way chosen needs beside the legal artefact: nothing when there is no way."""
    if not isinstance(verdict.way, Decision):
        return ()
    made: list[Rendering] = []
    look = workshop.look
    if verdict.way.legal.channel is ChannelKey.CHORUS_PRO:
        made.append(_for_chorus(workshop, verdict, at=at))
    if syntax := verdict.way.legal.flow_syntax:
        name = f"{_stem(verdict.invoice)}-{syntax.lower()}.xml"
        content = xml_for_platform(verdict, syntax)
        made.append(Rendering(role=ArtefactRole.FLOW, filename=name, media_type=XML, content=content))
    if verdict.way.copy is not None:
        made.append(_copy(verdict.invoice, look=look, at=at))
    return tuple(made)


def look_of(organisation: Organisation) -> Look:
    """Return how the organisation's pages look."""
    logo = fetch(organisation.id, organisation.logo_sha256) if organisation.logo_sha256 else None
    return Look(logo=logo, accent=organisation.accent, footer=organisation.footer)


def _original(reading: Reading, content: bytes) -> Rendering:
    extension, media_type = {
        Format.FACTURX: ("pdf", PDF),
        Format.JSON: ("json", "application/json"),
    }.get(reading.format, ("xml", XML))
    name = f"{_stem(reading.invoice)}-original.{extension}"
    return Rendering(role=ArtefactRole.ORIGINAL, filename=name, media_type=media_type, content=content)


def _carried_xml(reading: Reading) -> bytes:
    """The CII inside the legal PDF: one that came in goes there byte for byte, UBL and JSON are written as CII."""
    return reading.xml if reading.format in {Format.CII, Format.FACTURX} else write_cii(reading.invoice)


def _for_chorus(workshop: Workshop, verdict: Verdict, *, at: datetime) -> Rendering:
    """The version of Chorus Pro, in the format that it is to be deposited in; only a PDF carries a seal."""
    organisation, customer = workshop.organisation, verdict.customer
    assert customer is not None  # noqa: S101  # a Decision needs a customer
    invoice, form = invoice_for_chorus(organisation, verdict), format_for(organisation, customer)
    if form is FlowFormat.FACTURX:
        pdf = _chorus_pdf(invoice, verdict, look=workshop.look, at=at)
        return _sealed(workshop.sealer, verdict, pdf, role=ArtefactRole.CHORUS, at=at)
    return Rendering(
        role=ArtefactRole.CHORUS,
        filename=f"{_stem(invoice)}-chorus.xml",
        media_type=XML,
        content=xml_for_chorus(invoice, form),
    )


def _chorus_pdf(invoice: Invoice, verdict: Verdict, *, look: Look, at: datetime) -> bytes:
    xml = write_cii(invoice)
    pdf = verdict.reading.pdf
    if pdf is not None and not verdict.reading.signed:
        try:
            return sandbox().replace(pdf, xml, at=at, specification=invoice.process.specification)
        except Unreadable as error:
            raise Refusal(error.reason) from error
    return render_page(invoice, look=look, created=at, xml=xml)


def _copy(invoice: Invoice, *, look: Look, at: datetime) -> Rendering:
    """Marked COPIE and without XML, so that no software can book it twice (complaint B27)."""
    pdf = render_page(invoice, look=look, created=at, xml=None, mark="COPIE")
    return Rendering(
        role=ArtefactRole.COPY,
        filename=f"{_stem(invoice)}-copie.pdf",
        media_type=PDF,
        content=pdf,
    )


def _sealed(sealer: Sealer, verdict: Verdict, pdf: bytes, *, role: ArtefactRole, at: datetime) -> Rendering:
    """Seal, unless somebody else has signed: that is never rewritten. The child reads the PDF, the key stays here."""
    made: Sealed | None = None
    sealed = role is not ArtefactRole.LEGAL or not verdict.reading.signed
    if sealed:
        try:
            made = sealer.seal(pdf, at=at)
        except Unreadable as error:
            raise Refusal(error.reason) from error
    suffix = "" if role is ArtefactRole.LEGAL else "-chorus"
    return Rendering(
        role=role,
        filename=f"{_stem(verdict.invoice)}{suffix}.pdf",
        media_type=PDF,
        content=made.pdf if made else pdf,
        sealed=sealed,
        certificate=made.certificate if made else "",
        level=made.level.value if made else "",
    )


def _stem(invoice: Invoice) -> str:
    """Return a file name without surprises: letters, digits, dash and dot of the number, 40 at most."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "-" for c in invoice.number).strip("-.")[:40]
    return f"{'avoir' if invoice.is_credit_note else 'facture'}-{kept or 'sans-numero'}"
