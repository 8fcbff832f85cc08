"""Reads the settings of the channel `chorus_pro` that are no plain text. Pure."""

from enum import StrEnum
from typing import TypeVar

WordT = TypeVar("WordT", bound=StrEnum)


def read_timeout(value: str) -> float:
    """Read seconds, 30 by default. Raises ValueError (French)."""
    if not value.strip():
        return 30.0
    try:
        seconds = float(value.replace(",", "."))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 600:
        raise ValueError(f"Le réglage « timeout » de Chorus Pro vaut « {value} » ; il faut des secondes, 600 au plus.")
    return seconds


def read_choice(value: str) -> bool:
    """Read true or false, false by default. Raises ValueError (French)."""
    match value.strip().lower():
        case "" | "false":
            return False
        case "true":
            return True
    raise ValueError(f"Le réglage « avec_signature » de Chorus Pro vaut « {value} » ; il faut true ou false.")


MOST_TOGETHER = 50


def read_together(value: str) -> int:
    """Read how many invoices may share one flow, 1 by default. Raises ValueError (French)."""
    given = value.strip() or "1"
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= MOST_TOGETHER:
        raise ValueError(
            f"Le réglage « factures_par_flux » de Chorus Pro vaut « {value[:20]} » ; indiquez 1 (une facture par "
            f"dépôt) à {MOST_TOGETHER}."
        )
    return int(given)


class FlowFormat(StrEnum):
    """What a flow holds: a PDF with its data (E2), or data alone (E1). French contracts §1.3."""

    FACTURX = "facturx"
    CII = "cii"
    UBL = "ubl"


def read_format(value: str) -> FlowFormat:
    """Read in which format flows are written, Factur-X by default. Raises ValueError (French)."""
    return read_word(value, setting="format_flux", usual=FlowFormat.FACTURX)


def read_word(value: str, *, setting: str, usual: WordT) -> WordT:
    """Read one of the words of an enumeration, `usual` when nothing is said. Raises ValueError (French)."""
    kind = type(usual)
    try:
        return kind(value.strip().lower() or usual)
    except ValueError:
        known = ", ".join(kind)
        raise ValueError(
            f"Le réglage « {setting} » de Chorus Pro vaut « {value[:20]} » ; choisissez parmi {known}."
        ) from None
