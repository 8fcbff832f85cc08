"""How much is taken in at once, and what is said to whoever brings more."""

MEBIBYTE = 1024 * 1024
MAX_FILE_BYTES = 20 * MEBIBYTE
"""One invoice: Chorus Pro and most mailboxes take no more."""
MAX_BATCH_FILES = 10_000
MAX_BATCH_BYTES = 2048 * MEBIBYTE
MAX_BOUNCE_BYTES = 40 * MEBIBYTE
"""One message at the return address: some servers give the whole original back, base64 and all."""


class TooMuch(ValueError):
    """More than is taken in at once, or nothing at all; its text is a French sentence for whoever brought it."""


class NoPlace(TooMuch):
    """The archive has no room left: nothing of it was taken, and it may be brought again later."""


class CannotRead(TooMuch):
    """A file whose rights keep us out: answered to whoever brought it in the same way."""


def check_file(name: str, size: int) -> None:
    """Let a file of `size` bytes through. Raises TooMuch when it is empty or over `MAX_FILE_BYTES`."""
    if size == 0:
        raise TooMuch(f"Le fichier {name} est vide. Vérifiez sa copie, puis envoyez-le de nouveau.")
    if size > MAX_FILE_BYTES:
        raise TooMuch(
            f"Le fichier {name} pèse {_megabytes(size)} Mo, plus que les {_megabytes(MAX_FILE_BYTES)} Mo acceptés. "
            "Allégez-le (images, pièces jointes), puis envoyez-le de nouveau."
        )


def check_batch(files: int, size: int) -> None:
    """Let a batch of so many files and bytes through. Raises TooMuch."""
    if files == 0:
        raise TooMuch("Aucun fichier à envoyer : choisissez au moins une facture (PDF, XML ou JSON).")
    if files > MAX_BATCH_FILES:
        raise TooMuch(
            f"{files} fichiers d’un coup, c’est plus que les {MAX_BATCH_FILES} qu’un lot accepte. "
            "Envoyez-les en plusieurs lots."
        )
    if size > MAX_BATCH_BYTES:
        raise TooMuch(
            f"Le lot pèse {_megabytes(size)} Mo, plus que les {_megabytes(MAX_BATCH_BYTES)} Mo acceptés. "
            "Envoyez-le en plusieurs lots."
        )


def _megabytes(size: int) -> str:
    return f"{size / MEBIBYTE:.1f}".replace(".", ",").removesuffix(",0")
