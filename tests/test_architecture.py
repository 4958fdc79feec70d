"""The two tables below are the architecture: which package may import which, and who holds a library."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Each entry may import the entries it names, and itself.
MAY_IMPORT = {
    "classifier.errors": set(),
    "classifier.compiled": set(),
    "classifier.taxonomy": {"classifier.errors"},
    "classifier.records": {"classifier.errors", "classifier.taxonomy"},
    "classifier.text": {"classifier.compiled", "classifier.errors", "classifier.taxonomy", "classifier.records"},
    "classifier.features": {
        "classifier.compiled",
        "classifier.errors",
        "classifier.taxonomy",
        "classifier.records",
        "classifier.text",
    },
    "classifier.model": {"classifier"},
    "backlog": {"classifier"},
    # Labelled files are table files, so training reads them through backlog.tables.
    "training": {"classifier", "backlog.tables"},
    "casework.storage": {"classifier.errors"},
    "casework.service": {"classifier", "training", "backlog", "casework.storage"},
    # Views open the transactions that services work in.
    "casework.web": {"classifier", "casework.service", "casework.storage.database"},
    "settings": set(),
    "api": {"casework.service", "casework.storage.database", "casework.web", "settings"},
    "commands": {"classifier", "backlog.cluster", "backlog.pace", "backlog.tables", "casework", "settings"},
    "cli": {"classifier", "training", "backlog", "casework", "commands", "settings"},
}

# One door per library. A module outside these places may not import it.
DOORS = {
    "flask": {"casework.web", "api"},
    "apiflask": {"casework.web", "api"},
    "werkzeug": {"casework.web", "api"},
    "pydantic": {"casework.web", "settings"},
    "pydantic_settings": {"settings"},
    "orjson": {"casework.web.rest"},
    "gunicorn": {"casework.web.server"},
    "waitress": {"casework.web.server"},
    "jieba": set(),
    "numba": {"classifier.compiled"},
    "opencc": {"classifier.text.normalise"},
    "sklearn": {"classifier.model.pipeline", "training"},
    "joblib": {"training"},
    "cleanlab": {"training.audit"},
    "matplotlib": {"training.plots"},
    "csv": {"backlog.tables.csv_file", "backlog.tables.dialect"},
    "filelock": {"backlog.journal"},
    "concurrent": {"backlog.workers"},
    "python_calamine": {"backlog.tables.sheet_rows"},
    "xlsxwriter": {"backlog.tables.report", "backlog.tables.workbook"},
    "pyarrow": {"backlog.cluster", "backlog.tables.parquet_file"},
    "distributed": {"backlog.cluster"},
    "dask": set(),
    "fsspec": {"backlog.cluster"},
    "botocore": {"backlog.cluster.files"},
    "sqlalchemy": {"casework.storage"},
    "alembic": {"casework.storage.migrations"},
    "psycopg": set(),
    "cryptography": {"casework.storage.originals"},
    "huey": {"casework.service.jobs"},
    "redis": set(),
    "click": {"cli", "commands"},
    "argon2": {"casework.service.passwords"},
    "flask_login": {"casework.web"},
    "flask_wtf": {"casework.web.access"},
    "prometheus_client": {"casework.web.metrics"},
    "pickle": set(),
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the product, by its dotted name."""
    for package in ("classifier", "training", "backlog", "casework", "commands"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path
    for name in ("api", "cli", "settings"):
        yield name, ROOT / f"{name}.py"


def imports(path: Path) -> set[str]:
    """Dotted names a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def inside(name: str, places: set[str]) -> bool:
    """Whether a dotted name is one of ``places`` or below one."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


MODULES = [pytest.param(name, path, id=name) for name, path in modules()]


@pytest.mark.parametrize(("name", "path"), MODULES)
def test_imports_point_one_way(name: str, path: Path) -> None:
    """A module imports only what the table allows its package."""
    package = next((place for place in MAY_IMPORT if inside(name, {place})), None)
    if package is None:
        assert not path.read_text().strip(), f"{name} is in no package of the table"
        return
    ours = {one for one in imports(path) if one.split(".")[0] in {place.split(".")[0] for place in MAY_IMPORT}}
    wrong = {one for one in ours if not inside(one, MAY_IMPORT[package] | {package})}
    assert not wrong, f"{name} must not import {sorted(wrong)}"


@pytest.mark.parametrize(("name", "path"), MODULES)
def test_each_library_has_one_door(name: str, path: Path) -> None:
    """A library is imported only where its door is."""
    for imported in imports(path):
        library = imported.split(".")[0]
        if library in DOORS:
            assert inside(name, DOORS[library]), f"{name} must not import {library}"


def test_the_environment_is_read_in_settings_only() -> None:
    """No module but settings knows os.environ."""
    readers = [name for name, path in modules() if "os.environ" in path.read_text(encoding="utf-8")]
    assert set(readers) <= {"settings"}


def test_serving_does_not_import_scikit_learn() -> None:
    """The service starts without the training library, which takes a second to import."""
    for name, path in modules():
        if inside(
            name,
            {
                "api",
                "casework.web",
                "classifier.text",
                "classifier.model.weights",
                "classifier.model.classifier",
                "classifier.model.bundle",
            },
        ):
            assert not inside("sklearn", {one.split(".")[0] for one in imports(path)}), name
            assert not any(one.startswith(("classifier.model.pipeline", "training")) for one in imports(path)), name
