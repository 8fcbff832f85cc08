"""What `faitfoi compare` says: both verdicts on each file, every difference, and the sums."""

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from faitfoi.cli.library_words import how_many


@dataclass(slots=True)
class Agreements:
    """What all the comparisons add up to. A verdict is one rule that one judge at least finds broken in one file."""

    files: int = 0
    agreed_files: int = 0
    verdicts: int = 0
    agreed_verdicts: int = 0
    unreadable: int = 0
    ours_ms: float = 0.0
    official_ms: float = 0.0

    def add(self, row: dict[str, Any]) -> None:
        """Count one comparison."""
        self.files += 1
        if "unreadable" in row:
            self.unreadable += 1
            return
        self.agreed_files += not (row["only_ours"] or row["only_official"])
        self.verdicts += row["verdicts"]
        self.agreed_verdicts += row["agreed_verdicts"]
        self.ours_ms += row["ours_ms"]
        self.official_ms += row["official_ms"]

    @property
    def differing(self) -> int:
        """Files that both judges could judge, and on which they differ."""
        return self.files - self.unreadable - self.agreed_files

    def as_row(self) -> dict[str, Any]:
        """The last line of `--json`."""
        return {
            "files": self.files,
            "agreed_files": self.agreed_files,
            "verdicts": self.verdicts,
            "agreed_verdicts": self.agreed_verdicts,
            "unreadable": self.unreadable,
            "ours_ms": round(self.ours_ms, 1),
            "official_ms": round(self.official_ms, 1),
        }

    def show(self, console: Console, *, seconds: float, known: int) -> None:
        """Print the sums."""
        judged = self.files - self.unreadable
        told = (
            f"{how_many(self.files, 'fichier')} en {f'{seconds:.1f}'.replace('.', ',')} s : d’accord sur "
            f"{self.agreed_files} de {judged}, {how_many(self.differing, 'différent')}, "
            f"{how_many(self.unreadable, 'illisible')}."
        )
        console.print(Text(told, style="bold"))
        if self.verdicts:
            share = f"{100 * self.agreed_verdicts / self.verdicts:.2f}".replace(".", ",")
            console.print(
                Text(f"Règles enfreintes : {self.verdicts}, dont {self.agreed_verdicts} vues des deux ({share} %).")
            )
        if self.ours_ms:
            console.print(
                Text(
                    f"Temps des nôtres : {self.ours_ms:.0f} ms ; du juge officiel : {self.official_ms:.0f} ms "
                    f"({self.official_ms / self.ours_ms:.0f} fois plus long)."
                )
            )
        if known:
            console.print(Text(f"Déjà jugés, repris du compte rendu : {known}."))


def show_comparison(console: Console, name: str, row: dict[str, Any]) -> None:
    """Print one file's two verdicts and their differences."""
    if "unreadable" in row:
        console.print(Text.assemble(("? illisible", "bold red"), f"  {name}"))
        console.print(Text(f"    {row['unreadable']}"))
        return
    differ = len(row["only_ours"]) + len(row["only_official"])
    state = (f"✗ {differ} différence{'s' * (differ > 1)}", "bold red") if differ else ("✓ d’accord", "bold green")
    console.print(Text.assemble(state, f"  {name}"))
    for label, key, style in _PARTS:
        if row[key] or key in {"ours", "official"}:
            told = ", ".join(row[key]) or "rien à redire"
            console.print(Text.assemble((f"    {label} : ", "dim"), (told, style)))


_PARTS = (
    ("Nous", "ours", ""),
    ("Juge officiel", "official", ""),
    ("Nous seuls", "only_ours", "red"),
    ("Juge officiel seul", "only_official", "red"),
    ("Sans verdict officiel", "unjudged", "yellow"),
    ("Nos règles à nous", "own", "dim"),
    ("Syntaxe, jugée à part", "apart", "dim"),
)
