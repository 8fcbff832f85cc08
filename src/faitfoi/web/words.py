"""The words shown for each code of ours. A code never stands on a page without its sentence."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from faitfoi.accounts.models import ChannelKey, Role
from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.reading import Format
from faitfoi.records.models import Attempt, Batch
from faitfoi.records.models_archive import AttestationKind
from faitfoi.records.models_document import DocumentKind
from faitfoi.records.stages import ArtefactRole, LineOutcome, Nature, Purpose, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A label and its mood: the mood picks a shape and a colour, the label alone says all."""

    label: str | Promise
    mood: str  # done, going, waiting, trouble, lost


STAGES: dict[str, Word] = {
    Stage.ROUTED: Word(label=_("To be sent"), mood="waiting"),
    Stage.SENDING: Word(label=_("Being sent"), mood="going"),
    Stage.SENT: Word(label=_("Sent"), mood="going"),
    Stage.ACCEPTED: Word(label=_("Accepted"), mood="going"),
    Stage.DELIVERED: Word(label=_("Delivered"), mood="done"),
    Stage.RETURNED: Word(label=_("Returned"), mood="trouble"),
    Stage.REJECTED: Word(label=_("Rejected"), mood="trouble"),
    Stage.TO_FIND: Word(label=_("To be found again"), mood="going"),
    Stage.UNKNOWN: Word(label=_("Outcome unknown"), mood="lost"),
    Stage.TO_FIX: Word(label=_("To be corrected"), mood="trouble"),
    Stage.HELD: Word(label=_("On hold"), mood="waiting"),
}
KEPT = "kept"
"""Where a document stands that is sealed and sent to nobody; no delivery of it is at a stage that counts."""
WITHOUT_DELIVERY = Word(label=_("Needs someone"), mood="trouble")
NOT_SENT = Word(label=_("Kept, not sent"), mood="done")

OUTCOMES: dict[str, Word] = {
    LineOutcome.WAITING: Word(label=_("Being read"), mood="going"),
    LineOutcome.READY: Word(label=_("Ready"), mood="done"),
    LineOutcome.NEEDS_SOMEONE: Word(label=_("Needs someone"), mood="trouble"),
    LineOutcome.REFUSED: Word(label=_("Refused"), mood="trouble"),
}

SEVERITIES: dict[str, Word] = {
    Severity.FATAL: Word(label=_("Error"), mood="trouble"),
    Severity.WARNING: Word(label=_("Warning"), mood="waiting"),
    Severity.INFORMATION: Word(label=_("For information"), mood="going"),
}

ATTEMPTS: dict[str, Word] = {
    Attempt.Outcome.CLAIMED: Word(label=_("under way"), mood="going"),
    Attempt.Outcome.RECEIPT: Word(label=_("receipt obtained"), mood="done"),
    Attempt.Outcome.NOT_SENT: Word(label=_("certainly not sent"), mood="waiting"),
    Attempt.Outcome.REFUSED: Word(label=_("refused by the other side"), mood="trouble"),
    Attempt.Outcome.UNKNOWN: Word(label=_("answer lost"), mood="lost"),
}

GRADES: dict[str, Word] = {
    "taken": Word(label=_("Taken in charge (not yet proof of delivery)"), mood="going"),
    "accepted": Word(label=_("Accepted by their checks"), mood="going"),
    "delivered": Word(label=_("Reached the recipient"), mood="done"),
    "approved": Word(label=_("Approved"), mood="done"),
    "paid": Word(label=_("Paid"), mood="done"),
    "delayed": Word(label=_("Delayed"), mood="waiting"),
    "returned": Word(label=_("Came back"), mood="trouble"),
    "rejected": Word(label=_("Rejected after deposit"), mood="trouble"),
    "duplicate": Word(label=_("They have it already"), mood="waiting"),
    "action_needed": Word(label=_("They expect something from you"), mood="trouble"),
    "unknown_code": Word(label=_("A code that we do not know"), mood="lost"),
}

CHANNELS: dict[str, str | Promise] = {
    **{key: key.label for key in ChannelKey},  # its own name, where nothing below translates it
    ChannelKey.NONE: _("no channel"),
    ChannelKey.EMAIL: _("e-mail"),
    ChannelKey.CHORUS_PRO: "Chorus Pro",
    ChannelKey.PLATEFORME_AGREEE: _("plateforme agréée"),
    ChannelKey.POST: _("post"),
    ChannelKey.PORTAL: _("portal"),
}

PURPOSES: dict[str, str | Promise] = {
    Purpose.LEGAL: _("Main sending"),
    Purpose.NOTICE: _("Notice"),
    Purpose.COPY: _("Copy"),
}

ARTEFACTS: dict[str, str | Promise] = {
    ArtefactRole.ORIGINAL: _("Original, as received"),
    ArtefactRole.LEGAL: _("Sealed original"),
    ArtefactRole.CHORUS: _("Version for Chorus Pro"),
    ArtefactRole.FLOW: _("Version for the plateforme agréée"),
    ArtefactRole.COPY: _("Copy marked COPIE"),
}

ATTESTATIONS: dict[str, str | Promise] = {
    AttestationKind.DEPOSIT: _("Deposit"),
    AttestationKind.INTEGRITY: _("Integrity"),
    AttestationKind.COMMUNICATION: _("What was sent"),
    AttestationKind.RESTITUTION: _("Handing back"),
    AttestationKind.ELIMINATION: _("Elimination"),
}

KINDS: dict[str, str | Promise] = {DocumentKind.INVOICE: _("Invoice"), DocumentKind.CREDIT_NOTE: _("Credit note")}

NATURES: dict[str, str | Promise] = {
    Nature.PUBLIC: _("public sector"),
    Nature.TAXABLE: _("registered for VAT in France"),
    Nature.NOT_TAXABLE: _("not registered for VAT"),
    Nature.CONSUMER: _("private person"),
    Nature.FOREIGN: _("established abroad"),
}

PROVIDERS: dict[str, str] = {
    "postmark": "Postmark",
    "mailgun": "Mailgun",
    "ses": "Amazon SES",
    "brevo": "Brevo",
    "mailjet": "Mailjet",
}

ROLES: dict[str, str | Promise] = {Role.CLERK: _("clerk"), Role.MANAGER: _("manager"), Role.AUDITOR: _("auditor")}

ORIGINS: dict[str, str | Promise] = {
    Batch.Origin.COMMAND: _("by the command line"),
    Batch.Origin.UPLOAD: _("from the sending page"),
    Batch.Origin.FOLDER: _("from the watched folder"),
}

FORMATS: dict[str, str] = {
    Format.FACTURX: "Factur-X",
    Format.CII: "CII (XML)",
    Format.UBL_INVOICE: "UBL (XML)",
    Format.UBL_CREDIT_NOTE: "UBL (XML)",
    Format.JSON: "JSON",
}

REFERENCES: dict[str, str | Promise] = {
    "message_id": _("Message number"),
    "relay": _("Mail server"),
    "answer": _("Its answer"),
    "numeroFluxDepot": _("Chorus Pro deposit number"),
    "syntaxeFlux": _("Syntax of the deposit"),
    "dateDepot": _("Day of the deposit"),
    "identifiantFactureCPP": _("Chorus Pro invoice number"),
}

BY_RELAY = Word(label=_("Taken by the sending server (that is not yet a delivery)"), mood="going")
"""A relay that accepts a message has not delivered it: the word of `accepted` on the e-mail channel."""


MEANINGS: dict[tuple[str, str], str | Promise] = {
    (Stage.SENT, ChannelKey.CHORUS_PRO): _("Deposited: Chorus Pro has it and is checking it."),
    (Stage.ACCEPTED, ChannelKey.EMAIL): _(
        "Your sending server has taken it and carries it to the customer’s. If it cannot be delivered, it comes back "
        "and shows here; without news, nothing proves that it has been read."
    ),
    (Stage.ACCEPTED, ChannelKey.CHORUS_PRO): _("Chorus Pro has checked it; the customer has still to take it."),
    (Stage.DELIVERED, ChannelKey.EMAIL): _(
        "The customer’s server has put it into their mailbox. That does not say that it has been read."
    ),
    (Stage.DELIVERED, ChannelKey.CHORUS_PRO): _("Put at the customer’s disposal in Chorus Pro."),
    (Stage.TO_FIND, ""): _("The answer was lost: we are asking whether it has arrived, before anything else."),
    (Stage.ROUTED, ""): _("It leaves as soon as possible, by itself."),
}
"""What a stage means for whoever waits for the money, by channel ("" for any). Nothing where advice says it."""


def meaning(stage: str, channel: str) -> str | Promise:
    """Say what a delivery's stage proves and what it does not; empty when its label says all."""
    return MEANINGS.get((stage, channel)) or MEANINGS.get((stage, ""), "")


def grade_word(grade: str, channel: str) -> Word | None:
    """Return the word of what the other side said, or None for a grade unheard of."""
    return BY_RELAY if (grade, channel) == ("accepted", ChannelKey.EMAIL) else GRADES.get(grade)


def stage_word(stage: str | None) -> Word:
    """Return the word of a document by the stage of its legal delivery; None when it has none yet."""
    if stage == KEPT:
        return NOT_SENT
    return STAGES.get(stage or "", WITHOUT_DELIVERY)
