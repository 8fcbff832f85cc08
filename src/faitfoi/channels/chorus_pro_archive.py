"""Several invoices in one flow of Chorus Pro: which of them may share it, and the `.tar.gz` that carries them. Pure.

French contracts §1.4: 10 MB for each file, 30 MB for the archive. A flow has one syntax and one supplier; what becomes
of each invoice is told by its own line of the flow's report, never by its neighbours'.
"""

import gzip
import io
import tarfile
from collections.abc import Mapping

from faitfoi.channels.chorus_pro_deposit import FACTURX, MAX_NAME, check_size, choose_syntax, name_flow
from faitfoi.channels.chorus_pro_limits import MAX_COMPRESSED, in_megabytes
from faitfoi.channels.chorus_pro_settings import read_together
from faitfoi.channels.chorus_pro_submission import Mode, read_mode
from faitfoi.channels.contract import Parcel, Refused, Together

ROOM = MAX_COMPRESSED - 1024 * 1024
"""Bytes of invoices in one flow: PDFs do not shrink, and the archive adds its headers."""


def together_by(settings: Mapping[str, str]) -> Together:
    """Tell how many invoices may share one flow, by the channel's settings. Raises ValueError (French)."""
    most = read_together(settings.get("factures_par_flux", ""))
    return Together(documents=most, size=ROOM, asked=most > 1)


def shares_flow(leader: Parcel, other: Parcel) -> bool:
    """Whether two invoices may travel in one flow: one organisation and supplier, both go as flow, one syntax."""
    try:
        return (
            leader.key.partition(":")[0] == other.key.partition(":")[0]
            and leader.seller_siret == other.seller_siret
            and all(read_mode(each.settings.get("depot", "")) is Mode.FLOW for each in (leader, other))
            and choose_syntax(leader) == choose_syntax(other)
        )
    except (Refused, ValueError):
        return False  # alone, its own refusal says what is wrong with it


def pack_flow(parcel: Parcel) -> tuple[str, bytes]:
    """Give the name and the content of the flow: the file itself, or the archive of all that travel with it.

    The same parcels always make the same bytes. Raises Refused for what Chorus Pro would not take, and ValueError for
    an invoice that may not share this flow.
    """
    check_size(parcel)
    if not parcel.others:
        return name_flow(parcel), parcel.artefact.content
    for other in parcel.others:
        check_size(other)
        if not shares_flow(parcel, other):
            raise ValueError(f"{other.key} does not go with {parcel.key}")
    out, taken = io.BytesIO(), set[str]()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for each in (parcel, *parcel.others):
            entry = tarfile.TarInfo(_own_name(name_flow(each), taken))
            entry.size = len(each.artefact.content)
            archive.addfile(entry, io.BytesIO(each.artefact.content))
    content = out.getvalue()
    if len(content) > MAX_COMPRESSED:
        raise Refused(f"Le dépôt groupé fait {in_megabytes(len(content))} Mo ; Chorus Pro en admet 30.")
    return f"lot_{parcel.message_ref}.tar.gz", content


def _own_name(name: str, taken: set[str]) -> str:
    """Make a name that no other file of the archive has, 50 characters at most."""
    stem, dot, extension = name.rpartition(".")
    rank, own = 1, name
    while own in taken:
        rank += 1
        mark = f"_{rank}"
        own = f"{stem[: MAX_NAME - len(mark) - len(dot + extension)]}{mark}{dot}{extension}"
    taken.add(own)
    return own


def is_sealed_pdf(syntax: str, *, signed: bool) -> bool:
    """Tell `avecSignature`: what the setting says of sealed PDFs, and never of XML, which nobody signs here."""
    return signed and syntax == FACTURX
