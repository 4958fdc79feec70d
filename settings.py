"""All settings, read once from the environment (FENBAN_…) and never changed after."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).parent


class Settings(BaseSettings):
    """What an office may set. Every name is an environment variable with FENBAN_ before it."""

    model_config = SettingsConfigDict(env_prefix="FENBAN_", frozen=True)

    models_dir: Path = ROOT / "models"
    """Where released models lie."""

    database_url: str = f"sqlite:///{ROOT / 'var' / 'fenban.db'}"
    """The case register: ``sqlite:////directory/fenban.db`` or ``postgresql+psycopg://…``."""

    jobs_url: str | None = None
    """The queue of background jobs: ``sqlite:////directory/jobs.db``, ``redis://…`` or ``postgresql://…``."""

    auto_accept_accuracy: float = Field(0.95, gt=0.5, lt=1)
    """Share of suggestions shown as needing no review that must be right; training chooses the threshold by it."""

    blind_share: float = Field(0.05, ge=0, le=1)
    """Share of cases whose suggested department is shown only after the decision."""

    recall_floor: float = Field(0.05, ge=0, le=1)
    """By how much a department's recall may fall at most when a new model is promoted."""

    test_set: Path | None = None
    """The office's own labelled file that every new model is measured on and none is trained on."""

    timezone: str = "Asia/Shanghai"
    """Where the office's days begin."""

    due_soon_hours: float = Field(24, gt=0)
    """From how many hours before its due time a case counts as due soon."""

    originals_key: SecretStr | None = None
    """Keeps complaints as they came, encrypted beside the masked text; several keys with commas, the newest first."""

    max_request_bytes: int = 16 * 1024 * 1024
    """Largest request body the server reads."""

    uploads_dir: Path | None = None
    """Where uploaded backlogs lie, which hold personal data: readable by the service only."""

    max_upload_bytes: int = 1024 * 1024 * 1024
    """Largest backlog that may be uploaded."""

    upload_days: float = Field(7, gt=0)
    """After how many days an uploaded backlog is deleted with all that was made of it."""

    session_idle_minutes: float = Field(30, gt=0)
    """A session without a request for so long has ended."""

    tls_certificate: Path | None = None
    """Certificate chain (PEM) to serve HTTPS with."""

    tls_key: Path | None = None
    """Private key (PEM) of the certificate."""

    behind_proxy: bool = False
    """A proxy in front does TLS and sets X-Forwarded-For, -Proto and -Host."""

    @property
    def jobs(self) -> str:
        """The queue of background jobs; where not set, beside the register."""
        if self.jobs_url:
            return self.jobs_url
        if self.database_url.startswith("sqlite"):
            return f"{self.database_url.removesuffix('.db')}.jobs.db"
        return self.database_url

    @property
    def uploads(self) -> Path:
        """Where uploaded backlogs lie; where not set, beside the register."""
        if self.uploads_dir:
            return self.uploads_dir
        if self.database_url.startswith("sqlite"):
            return Path(f"{self.database_url.removeprefix('sqlite:///').removesuffix('.db')}.uploads")
        return ROOT / "var" / "fenban.uploads"

    @property
    def encrypted(self) -> bool:
        """Whether browsers reach the service by HTTPS only."""
        return self.behind_proxy or self.tls_certificate is not None
