"""JSON Lines files: an object in each line, as programs hand records on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from json.encoder import encode_basestring as quoted
from pathlib import Path
from typing import TextIO

from backlog.tables.source import Source
from backlog.tables.table import NO_TYPES, RowWriter, Types, check_header, encoding_fault, named
from backlog.tables.text_file import Line, TextFile
from classifier.errors import InvalidTableError

SUFFIXES = (".jsonl", ".ndjson")

_FIRST_OBJECT = re.compile(rb"(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*\{")
_OBJECT = re.compile(rb"^\s*\{", re.MULTILINE)


class _Written(float):
    """A number that keeps the digits it was written with."""

    def __init__(self, text: str) -> None:
        self.text = text


_decode = json.JSONDecoder(parse_float=_Written).decode


class JsonlTable(TextFile):
    """A JSON Lines file, its columns the keys in the order in which they first appear.

    A missing key and null are empty cells; of values that are no strings a cell has the JSON text.

    Parameters
    ----------
    path : Path or Source
    encoding : str, optional
        Found out where not given.

    Raises
    ------
    InvalidTableError
        The file cannot be opened, is empty, is not in the encoding asked for, or has no object.
    """

    def __init__(self, path: Path | Source, encoding: str | None = None) -> None:
        super().__init__(path, encoding)
        keys = dict[str, None]()
        for _, found in self._objects():
            keys.update(dict.fromkeys(found or ()))
        self.header = [key for key in keys if not encoding_fault([key])]
        self._added: list[tuple[str, Callable[[str], str]]] = []
        if not self.header:
            raise InvalidTableError(f"{self.path} 里没有一行是 JSON 对象；JSON Lines 文件的每一行应是一个 {{…}}。")
        check_header(self.path, self.header)

    def lines(self) -> Iterator[Line]:
        """Yield the rows, each with the text that made it.

        A line that is no object, or has broken keys, is kept behind the last column, where no reader takes it for a value.
        """
        columns = set(self.header)
        for raw, found in self._objects():
            if found is not None and found.keys() <= columns:
                yield Line([_cell(found.get(key)) for key in self.header], raw)
            else:
                yield Line([*[""] * len(self.header), f"不是完好的 JSON 对象：{raw.strip()}"], raw)

    def extended_header(self, names: Sequence[str], types: Types = NO_TYPES) -> str:
        """The byte order mark, if any; ``names`` are the keys of what is added from now on."""
        self._added = [(f"{quoted(name)}: ", _as_json(types.get(name))) for name in names]
        return self.mark

    def extended(self, line: Line, added: Sequence[str]) -> str:
        """The object with keys added; in place of a line that is none, an object of these alone."""
        more = ", ".join([key + value(cell) for (key, value), cell in zip(self._added, added, strict=True)]) + "}"
        if len(line.cells) > len(self.header):
            return f"{{{more}\n"
        before, _, after = line.raw.rpartition("}")
        comma = "" if before.rstrip().endswith("{") else ", "
        return f"{before}{comma}{more}{after}"

    def continues_in(self, target: Path) -> bool:
        """Whether a file named ``target`` holds such records as they are."""
        return target.suffix.lower() in SUFFIXES

    def _objects(self) -> Iterator[tuple[str, dict[str, object] | None]]:
        """Yield each line that is not blank, with its object or None."""
        with self.faults(), self.text() as file:
            for self.row_number, raw in enumerate(file, 1):
                if not raw.isspace():
                    yield raw, _object(raw)


def is_jsonl(head: bytes, name: str) -> bool:
    """Whether a file that begins with ``head`` has objects in its lines; its name decides if only later ones have.

    >>> is_jsonl(b'{"text": 1}', "a.txt"), is_jsonl(b"text,b", "a.jsonl")
    (True, False)
    """
    # However it is encoded.
    plain = head.replace(b"\0", b"")
    return bool(_FIRST_OBJECT.match(plain) or (name.lower().endswith(SUFFIXES) and _OBJECT.search(plain)))


class ObjectWriter(RowWriter):
    """Writes each row as an object, the first row the keys of all."""

    def __init__(self, file: TextIO, types: Types = NO_TYPES) -> None:
        self._file, self._types = file, types
        self._keys: list[tuple[str, Callable[[str], str]]] = []

    def writerow(self, row: Sequence[str], /) -> None:
        if self._keys:
            pairs = [f"{key}: {value(cell)}" for (key, value), cell in zip(self._keys, row, strict=True)]
            self._file.write(f"{{{', '.join(pairs)}}}\n")
        else:
            self._keys = [(quoted(name), _as_json(self._types.get(name))) for name in named(row)]


def _as_json(kind: type | None) -> Callable[[str], str]:
    """How a column's cells are written: texts as they are, but empty cells of a column that has a type are null."""
    if kind is None:
        return quoted
    if kind is str:
        return lambda cell: quoted(cell) if cell else "null"
    return lambda cell: cell or "null"


def _object(raw: str) -> dict[str, object] | None:
    try:
        found = _decode(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case _Written():
            return value.text
    return json.dumps(value, ensure_ascii=False)
