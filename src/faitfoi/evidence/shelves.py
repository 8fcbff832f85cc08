"""Shelves by their address: a folder of this machine, or a bucket elsewhere."""

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from faitfoi.evidence.shelf import FolderShelf, Shelf

S3_OPTIONS = frozenset({"endpoint", "region", "profile", "lock"})


def open_shelf(address: str, *, reserve: int = 0) -> Shelf:
    """Open `/a/folder` or `s3://bucket/prefix?endpoint=https://…&region=…&profile=…&lock=COMPLIANCE`.

    `reserve` is how many bytes of a folder's disk stay free. Raises ValueError (a French sentence) for another address.
    """
    parts = urlsplit(address)
    if parts.scheme == "s3":
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        if unknown := sorted(options.keys() - S3_OPTIONS):
            raise ValueError(f"L’adresse {address} a une option inconnue : {', '.join(unknown)}.")
        if not parts.netloc:
            raise ValueError(f"L’adresse {address} ne nomme pas de compartiment : s3://compartiment/préfixe.")
        # Only where it is used: loading it takes a quarter of a second.
        from faitfoi.evidence.shelf_s3 import s3_shelf

        return s3_shelf(parts.netloc, parts.path, **{**options, "lock": options.get("lock", "").upper()})
    if parts.scheme:
        raise ValueError(f"L’adresse {address} n’est ni un dossier ni « s3://… ».")
    return FolderShelf(Path(address).resolve(), reserve=reserve)
