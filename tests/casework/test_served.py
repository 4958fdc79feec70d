"""A server process takes up the model in service, whenever its first request comes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from casework.web.model import Served
from classifier.model import bundle


@pytest.fixture
def models(models_dir: Path, tmp_path: Path) -> Path:
    """A models folder of the test's own."""
    return Path(shutil.copytree(models_dir, tmp_path / "models"))


def test_the_first_request_is_answered_by_the_model_in_service_then(models: Path) -> None:
    """Not by that of the start, which may be hours ago: a process may be idle for long."""
    old = bundle.current(models)
    classifier = bundle.load(old)
    classifier.version = "20990101-000000-00000000"
    served = Served(models)
    manifest = {key: bundle.read_manifest(old)[key] for key in ("created", "training_data", "metrics")}
    bundle.promote(models, bundle.save(models, classifier, manifest, {}).name)
    assert served.classifier().version == classifier.version


def test_a_damaged_model_is_not_taken_up(models: Path) -> None:
    """The one in use stays."""
    served = Served(models)
    before = served.classifier()
    (models / "broken").mkdir()
    (models / bundle.CURRENT).write_text("broken\n", encoding="utf-8")
    served.look()
    assert served.classifier() is before


NOTHING_LEFT_TO_COMPILE = """
import sys
from pathlib import Path
from numba.core.registry import CPUDispatcher
from casework.web.model import Served
from classifier.records import Complaint

def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith("classifier")]
    loops = {f"{one.py_func.__module__}.{one.py_func.__name__}": one
             for module in modules for one in vars(module).values() if isinstance(one, CPUDispatcher)}
    return {name: len(loop.signatures) for name, loop in loops.items()}

classifier = Served(Path(sys.argv[1])).classifier()
before = compiled()
assert len(before) > 20, before
assert "scipy.linalg" not in sys.modules
for title, text in (
    ("", "我叫王小明，电话１３８００００１２３４。厂里的廢水𠮷把井水弄臭了，孩子喝了上吐下泻，正在抢救！求求领导，急急急。"),
    ("关于占地", "转办函：村里的耕地被占了" * 50),
    ("A", "0"),
):
    classifier.advise(Complaint(title, text))
print({name: n for name, n in compiled().items() if n != before.get(name)})
"""


def test_a_loaded_model_has_nothing_left_to_compile(models_dir: Path) -> None:
    """Nobody's request waits for that: it would be seconds; and the server has not started for scipy.linalg's sake either."""
    command = [sys.executable, "-c", NOTHING_LEFT_TO_COMPILE, str(models_dir)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "{}\n"
