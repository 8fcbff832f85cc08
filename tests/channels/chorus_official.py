"""The official description of the Factures API, against which requests and answers are held."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[2]
OPENAPI = Path(os.environ.get("FAITFOI_SHARED") or ROOT.parent / "shared") / "contracts" / "openapi"


def definitions() -> dict[str, Any]:
    path = OPENAPI / "chorus_pro_factures.swagger2.json"
    if not path.exists():
        pytest.skip(f"{path} is not there: the official description is kept beside the project")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def validate(name: str, value: object) -> None:
    schema = {"$ref": f"#/definitions/{name}", "definitions": definitions()["definitions"]}
    jsonschema.Draft4Validator(schema).validate(value)
