"""What came back, as a table anybody can open: each return and rejection of a batch or of a period (complaint E51)."""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from faitfoi.accounts.models import Organisation
from faitfoi.channels.contract import Grade
from faitfoi.records.models import Batch, Event

COLUMNS = (
    "numéro", "date de la facture", "client", "référence du client", "objet", "envoi", "canal", "adresse",
    "revenu le", "code", "raison", "dit par", "étape aujourd’hui", "réglé",
)  # fmt: skip
CAME_BACK = (Grade.RETURNED, Grade.REJECTED)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute: what others said must stay text."""


def came_back(
    organisation: Organisation, *, batch: Batch | None = None, first: date | None = None, last: date | None = None
) -> Iterator[tuple[str, ...]]:
    """Yield one row for each thing that came back, oldest first, by COLUMNS; days are the organisation's, inclusive.

    Runs inside `acting_for`.
    """
    zone = ZoneInfo(organisation.zone)
    told = Event.objects.filter(axis=Event.Axis.THEIRS, grade__in=CAME_BACK).exclude(delivery=None)
    if batch is not None:
        told = told.filter(document__in=batch.lines.filter(already_done=False).values("document"))
    if first is not None:
        told = told.filter(at__gte=datetime.combine(first, time.min, zone))
    if last is not None:
        told = told.filter(at__lt=datetime.combine(date.fromordinal(last.toordinal() + 1), time.min, zone))
    for event in told.select_related("delivery", "document__customer").order_by("at", "id").iterator():
        yield _row(event, zone)


def as_csv(rows: Iterator[tuple[str, ...]]) -> bytes:
    """Write rows as spreadsheets in France open them: UTF-8 with its mark, semicolons, nothing that computes."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_inert(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _row(event: Event, zone: ZoneInfo) -> tuple[str, ...]:
    delivery, document = event.delivery, event.document
    assert delivery is not None  # noqa: S101  # events without a delivery are left out by the query
    return (
        document.number,
        f"{document.issue_date:%d/%m/%Y}",
        document.buyer_name,
        document.customer.reference if document.customer else "",
        delivery.get_purpose_display(),
        str(delivery.sequence),
        delivery.get_channel_display(),
        delivery.address,
        f"{event.at.astimezone(zone):%d/%m/%Y %H:%M}",
        event.code,
        event.reason,
        event.who,
        delivery.get_stage_display(),
        delivery.settled,
    )


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
