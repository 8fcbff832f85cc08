"""Gives an invoice its number in the transaction that seals it, so that a series has no gap and no number two owners.

Our JSON asks for it by an empty BT-1 (the seller's only series) or by `{F}` (the series F). The series is locked while
the invoice is judged, laid out, sealed and packed: none of it waits for a network, and whatever fails undoes it all.
"""

import json
import re
from dataclasses import dataclass, replace

from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for, require_organisation
from faitfoi.einvoice.jsonform import to_json
from faitfoi.einvoice.reading import Format, Reading
from faitfoi.pipeline.customers import seller_identity
from faitfoi.pipeline.epochs import lost_number
from faitfoi.pipeline.judging import Refusal, Verdict, examine, judge
from faitfoi.pipeline.renderings import Rendering, open_workshop, render_all
from faitfoi.records.models import BurntNumber, SealCertificate, SealChoices, Series
from faitfoi.records.models_seal import SealDriver, SealLevel, SealState
from faitfoi.records.series import SeriesRefused, named, take

_ASKED = re.compile(r"(?:\{([A-Za-z0-9_-]{1,20})\})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """An invoice that has its number while the transaction runs: the series' row, the verdict, the artefacts."""

    row: Series
    verdict: Verdict
    renderings: tuple[Rendering, ...]


class NotWritten(Exception):
    """A line took no number after all: all that its transaction wrote is undone."""


def asks_for_number(reading: Reading) -> bool:
    """Whether an invoice in our JSON leaves its number to a series of ours."""
    return reading.format is Format.JSON and _ASKED.fullmatch(reading.invoice.number) is not None


def find_series(organisation: Organisation, reading: Reading) -> Series | None:
    """The series that an invoice asks for; None for one without a number where there is no series. Raises Refusal."""
    asked = _ASKED.fullmatch(reading.invoice.number)
    assert asked is not None  # noqa: S101  # asks_for_number has said so
    seller, name = seller_identity(reading.invoice), asked[1] or ""
    with acting_for(organisation.id):
        if not name and not Series.objects.filter(seller_siren=seller).exists():
            return None
        try:
            series = named(name, seller_siren=seller)
        except SeriesRefused as error:
            raise Refusal(str(error)) from error
        if reading.invoice.issue_date is None:
            raise Refusal("La facture n’a pas de date d’émission lisible (BT-2). Corrigez la date, puis renvoyez-la.")
        _refuse_network()
    return series


def issue(organisation: Organisation, series: Series, reading: Reading, content: bytes) -> Issued:
    """Take the next number and make everything under it. Runs inside `acting_for`, which a failure must undo.

    Raises Refusal and CannotSeal, as without a series.
    """
    invoice = reading.invoice
    assert invoice.issue_date is not None  # noqa: S101  # find_series has refused it otherwise
    year, seller = invoice.issue_date.year, series.seller_siren

    def is_used(number: str) -> bool:
        burnt = BurntNumber.objects.filter(seller_siren=seller, year=year, number=number).exists()
        return burnt or lost_number(require_organisation(), seller_siren=seller, year=year, number=number)

    row, number = take(series, year=year, is_used=is_used)
    numbered = json.dumps(to_json(replace(invoice, number=number)), ensure_ascii=False).encode()
    verdict = judge(organisation, examine(numbered))
    renderings = render_all(open_workshop(organisation), verdict, content, at=timezone.now())
    return Issued(row=row, verdict=verdict, renderings=renderings)


def _refuse_network() -> None:
    """No transaction waits for a network: a remote signer or a stamped seal cannot be asked under the lock."""
    choices = SealChoices.objects.first()
    remote = SealCertificate.objects.filter(state=SealState.ACTIVE, driver=SealDriver.CSC).exists()
    if remote or (choices is not None and choices.level == SealLevel.STAMPED):
        raise Refusal(
            "Cette facture demande son numéro à une série, ce qui ne se peut pas avec un cachet fait ou horodaté à "
            "distance : le numéro serait retenu pendant l’attente. Donnez-lui son numéro (BT-1), ou choisissez une "
            "clé locale et un cachet B-B."
        )
