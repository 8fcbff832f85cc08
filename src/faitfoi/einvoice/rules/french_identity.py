"""French rules on what the document says it is: number, dates, type, framework, notes (BR-FR-01 to 08, 20, 31)."""

from collections.abc import Callable, Iterator
from datetime import date

from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Offence
from faitfoi.einvoice.rules.french_rule import french, joined_notes, written_notes
from faitfoi.einvoice.rules.french_writing import (
    FRAMEWORKS,
    LONGEST_NUMBER,
    TREATMENTS,
    TYPE_CODES,
    at_most,
    first_after,
    is_document_number,
    normal,
)
from faitfoi.einvoice.rules.sheets import Syntax

_is_short = at_most(LONGEST_NUMBER)


@french("BT-1", cii="BR-FR-01_BT-1", ubl="BR-FR-01_BT-1-1")
def number_is_not_too_long(case: Case) -> Iterator[Offence]:
    """The invoice number (BT-1) has at most 35 characters."""
    if not _is_short(case.invoice.number):
        yield Offence(path="number", value=case.invoice.number)


@french("BT-1", both="BR-FR-02_BT-1", ubl="BR-FR-01_BT-1-2")
def number_has_allowed_signs(case: Case) -> Iterator[Offence]:
    """The invoice number (BT-1) is made of letters without accents, digits and the signs + - _ / only."""
    number = case.invoice.number
    if number and not is_document_number(number):
        yield Offence(path="number", value=number)


@french("BT-25", cii="BR-FR-01_BT-25", ubl="BR-FR-01_BT-25-1")
def number_of_an_earlier_invoice_is_not_too_long(case: Case) -> Iterator[Offence]:
    """The number of an earlier invoice (BT-25) has at most 35 characters."""
    for index, earlier in enumerate(case.invoice.preceding_invoices):
        if not _is_short(earlier.number):
            yield Offence(path=f"preceding_invoices[{index}].number", value=earlier.number)


@french("BT-25", both="BR-FR-02_BT-25", ubl="BR-FR-01_BT-25-2")
def number_of_an_earlier_invoice_has_allowed_signs(case: Case) -> Iterator[Offence]:
    """The number of an earlier invoice (BT-25) is made of letters without accents, digits and + - _ / only."""
    for index, earlier in enumerate(case.invoice.preceding_invoices):
        if earlier.number and not is_document_number(earlier.number):
            yield Offence(path=f"preceding_invoices[{index}].number", value=earlier.number)


Days = Callable[[Case], Iterator[tuple[str, date | None, str]]]


def _days_rule(term: str, name: str, days: Days, *, both: str = "", cii: str = "", ubl: str = "") -> None:
    def check(case: Case) -> Iterator[Offence]:
        for path, day, line in days(case):
            if day is not None and not 2000 <= day.year <= 2099:
                yield Offence(path=path, value=day.isoformat(), line=line)

    french(term, both=both, cii=cii, ubl=ubl, sentence=f"The {name} ({term}) is in a year from 2000 to 2099.")(check)


def _due_date(case: Case) -> Iterator[tuple[str, date | None, str]]:
    # A UBL credit note keeps its due date among the means of payment, where no French rule looks.
    if case.syntax is not Syntax.UBL_CREDIT_NOTE:
        yield "due_date", case.invoice.due_date, ""


def _earlier(case: Case) -> Iterator[tuple[str, date | None, str]]:
    for index, earlier in enumerate(case.invoice.preceding_invoices):
        yield f"preceding_invoices[{index}].issue_date", earlier.issue_date, ""


def _delivered(case: Case) -> Iterator[tuple[str, date | None, str]]:
    if case.invoice.delivery is not None:
        yield "delivery.actual_date", case.invoice.delivery.actual_date, ""


def _start(case: Case) -> Iterator[tuple[str, date | None, str]]:
    if case.invoice.period is not None:
        yield "period.start", case.invoice.period.start, ""


def _end(case: Case) -> Iterator[tuple[str, date | None, str]]:
    if case.invoice.period is not None:
        yield "period.end", case.invoice.period.end, ""


def _line_start(case: Case) -> Iterator[tuple[str, date | None, str]]:
    for index, line in case.particular_lines:
        if line.period is not None:
            yield f"lines[{index}].period.start", line.period.start, line.identifier


def _line_end(case: Case) -> Iterator[tuple[str, date | None, str]]:
    for index, line in case.particular_lines:
        if line.period is not None:
            yield f"lines[{index}].period.end", line.period.end, line.identifier


_days_rule(
    "BT-2", "issue date", lambda case: iter((("issue_date", case.invoice.issue_date, ""),)), both="BR-FR-03_BT-2"
)
_days_rule(
    "BT-7",
    "date on which the VAT falls due",
    lambda case: iter((("vat_point_date", case.invoice.vat_point_date, ""),)),
    both="BR-FR-03_BT-7",
)
_days_rule("BT-9", "due date", _due_date, both="BR-FR-03_BT-9")
_days_rule("BT-26", "issue date of an earlier invoice", _earlier, both="BR-FR-03_BT-26")
_days_rule("BT-72", "date of delivery", _delivered, both="BR-FR-03_BT-72")
_days_rule("BT-73", "first day of the invoicing period", _start, both="BR-FR-03_BT-73")
_days_rule("BT-74", "last day of the invoicing period", _end, both="BR-FR-03_BT-74")
_days_rule("BT-134", "first day of a line's period", _line_start, cii="BR-FR-03_EXT-FR-FE-134", ubl="BR-FR-03_BT-134")
_days_rule("BT-135", "last day of a line's period", _line_end, cii="BR-FR-03_EXT-FR-FE-135", ubl="BR-FR-03_BT-135")


@french("BT-3", both="BR-FR-04_BT-3")
def type_is_used_in_france(case: Case) -> Iterator[Offence]:
    """The type of document (BT-3) is one of the sixteen used in France."""
    code = case.invoice.type_code
    if code and code not in TYPE_CODES:
        yield Offence(path="type_code", value=code)


@french("BT-23", both="BR-FR-08_BT-23")
def framework_is_known(case: Case) -> Iterator[Offence]:
    """The cadre de facturation (BT-23) is given, and is one of the twenty of the French list."""
    framework = case.invoice.process.business_process
    if framework not in FRAMEWORKS:
        yield Offence(path="process.business_process", value=framework)


def _note_rules(subject: str, name: str, position: int) -> None:
    def present(case: Case) -> bool:
        if case.ubl:
            return f"#{subject}#" in joined_notes(case)
        return "header" in case.source.missing or any(note.subject_code == subject for note in case.invoice.notes)

    french(
        "BT-22",
        cii=f"BR-FR-05_BT-22_{subject}",
        ubl=f"BR-FR-05_BT-22-{position}",
        sentence=f"A note (BG-1) of subject {subject} gives {name}.",
    )(present)
    _single_note_rule(subject, position)


def _single_note_rule(subject: str, position: int) -> None:
    def single(case: Case) -> bool:
        if case.ubl:
            return joined_notes(case).count(f"#{subject}#") <= 1
        return sum(note.subject_code == subject for note in case.invoice.notes) <= 1

    french(
        "BT-21",
        cii=f"BR-FR-06_BT-21_{subject}",
        ubl=f"BR-FR-06_BT-21-{position}",
        sentence=f"There is at most one note (BG-1) of subject {subject}.",
    )(single)


_note_rules("PMT", "the fixed compensation for recovery costs", 1)
_note_rules("PMD", "the penalties for late payment", 2)
_note_rules("AAB", "the discount for early payment, or says that there is none", 3)
_single_note_rule("TXD", 4)


@french("BT-21", both="BR-FR-20_BT-21")
def treatment_is_known(case: Case) -> Iterator[Offence]:
    """A note of subject BAR (BT-21) says B2B, B2BINT, B2C, B2CINT, OUTOFSCOPE or ARCHIVEONLY."""
    if case.ubl:
        treatment = first_after(joined_notes(case), "BAR")
        if treatment and treatment not in TREATMENTS:
            yield Offence(path="notes", value=treatment)
        return
    for index, note in enumerate(case.invoice.notes):
        if note.subject_code == "BAR" and note.text not in TREATMENTS:
            yield Offence(path=f"notes[{index}].text", value=note.text)


@french("BT-21", cii="BR-FR-31_BT-21", ubl="BR-FR-30_BT-21")
def there_is_one_treatment(case: Case) -> bool:
    """The notes of subject BAR (BT-21) give one treatment only."""
    if not case.ubl:
        said = (normal(note.text) for note in case.invoice.notes if note.subject_code == "BAR")
        return sum(text in TREATMENTS for text in said) <= 1
    together = "".join(text for text in written_notes(case) if "#BAR#" in text) + "#"
    return sum(together.count(f"BAR#{treatment}#") for treatment in TREATMENTS) <= 1
