"""Keeps complaints as they came, encrypted, for offices that must."""

from __future__ import annotations

import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from classifier.errors import StorageError


class Originals:
    """Encrypts and decrypts with an office's keys.

    Parameters
    ----------
    keys : str
        One Fernet key or several with commas between them: the first encrypts, each decrypts.

    Raises
    ------
    StorageError
        One of them is no key.
    """

    def __init__(self, keys: str) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys.split(",")])
        except ValueError as error:
            raise StorageError(
                "FENBAN_ORIGINALS_KEY 不是有效的密钥，请用 fenban key 生成，多个密钥用逗号分开。"
            ) from error

    def seal(self, title: str, text: str) -> bytes:
        """Encrypt a complaint."""
        return self._fernet.encrypt(json.dumps([title, text], ensure_ascii=False).encode())

    def open(self, sealed: bytes) -> tuple[str, str]:
        """Decrypt a complaint.

        Raises
        ------
        StorageError
            None of the keys fits.
        """
        try:
            title, text = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise StorageError("原文是用别的密钥加密的，请把当时的密钥加到 FENBAN_ORIGINALS_KEY 里。") from error
        return title, text


def new_key() -> str:
    """A fresh key."""
    return Fernet.generate_key().decode()
