"""All settings, read once from the environment (FENBAN_…) and never changed after."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).parent


class Settings(BaseSettings):
    """What an office may set. Every name is an environment variable with FENBAN_ before it."""

    model_config = SettingsConfigDict(env_prefix="FENBAN_", frozen=True)

    models_dir: Path = ROOT / "models"
    """Where released models lie."""

    auto_accept_accuracy: float = Field(0.95, gt=0.5, lt=1)
    """Share of suggestions shown as needing no review that must be right; training chooses the threshold by it."""

    max_request_bytes: int = 16 * 1024 * 1024
    """Largest request body the server reads."""
