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

    database_url: str = f"sqlite:///{ROOT / 'var' / 'fenban.db'}"
    """The case register: ``sqlite:////directory/fenban.db`` or ``postgresql+psycopg://…``."""

    auto_accept_accuracy: float = Field(0.95, gt=0.5, lt=1)
    """Share of suggestions shown as needing no review that must be right; training chooses the threshold by it."""

    max_request_bytes: int = 16 * 1024 * 1024
    """Largest request body the server reads."""

    session_idle_minutes: float = Field(30, gt=0)
    """A session without a request for so long has ended."""

    tls_certificate: Path | None = None
    """Certificate chain (PEM) to serve HTTPS with."""

    tls_key: Path | None = None
    """Private key (PEM) of the certificate."""

    behind_proxy: bool = False
    """A proxy in front does TLS and sets X-Forwarded-For, -Proto and -Host."""

    @property
    def encrypted(self) -> bool:
        """Whether browsers reach the service by HTTPS only."""
        return self.behind_proxy or self.tls_certificate is not None
