"""What Chorus Pro admits of files, checked before the wire is touched. Pure. French contracts §1.4."""

import re
from collections.abc import Iterable

from faitfoi.channels.contract import Attachment, Refused

MEGABYTE = 1024 * 1024
MAX_FILE = 10 * MEGABYTE
MAX_TOGETHER = 118 * MEGABYTE  # 120 are announced for the whole of an invoice, its own file included
MAX_COMPRESSED = 30 * MEGABYTE
MAX_NAME = 50
EXTENSIONS = re.compile(
    r"bmp|bz2|csv|docx?|fax|gif|gz|gzip|html?|jpe?g|od[pst]|p7s|pdf|png|pp[st]|pptx|rtf|svg|tgz|tiff?|txt|xhtml"
    r"|xl[cms]|xlsx|xml|zip",
    re.IGNORECASE,
)


def extension_of(filename: str) -> str:
    """The extension of a file name, without its dot; empty when there is none."""
    return filename.rpartition(".")[2] if "." in filename else ""


def check_attachments(attachments: Iterable[Attachment]) -> None:
    """Let through the files that Chorus Pro takes beside an invoice. Raises Refused naming the file and the remedy."""
    together = 0
    for each in attachments:
        size = len(each.content)
        together += size
        if not size:
            raise Refused(f"Le fichier « {each.filename} » est vide. Choisissez-en un autre.")
        if len(each.filename) > MAX_NAME:
            raise Refused(
                f"Le nom du fichier « {each.filename} » a {len(each.filename)} caractères ; Chorus Pro en admet "
                f"{MAX_NAME}, extension comprise. Renommez-le."
            )
        if not EXTENSIONS.fullmatch(extension_of(each.filename)):
            raise Refused(
                f"Chorus Pro ne prend pas les fichiers comme « {each.filename} ». Joignez plutôt un PDF, une image "
                "(JPG, PNG) ou un document bureautique."
            )
        if size > MAX_FILE:
            raise Refused(
                f"Le fichier « {each.filename} » fait {in_megabytes(size)} Mo ; Chorus Pro en admet 10 par pièce. "
                "Allégez-le, ou joignez-le en plusieurs parties."
            )
    if together > MAX_TOGETHER:
        raise Refused(
            f"Les pièces jointes font {in_megabytes(together)} Mo ensemble ; Chorus Pro en admet 120 par facture. "
            "Joignez-en moins, ou allégez-les."
        )


def in_megabytes(size: int) -> str:
    """A size as a person reads it, with the French comma."""
    return f"{size / MEGABYTE:.1f}".replace(".", ",")
