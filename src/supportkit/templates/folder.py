"""Own texts from a folder: one TOML file a locale, and a `catalog.toml` for what concerns all of them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from supportkit.errors import InvalidTemplate, SupportkitError, UnknownLocale
from supportkit.templates.catalog import Catalog, Layer, lint
from supportkit.templates.locales import known
from supportkit.templates.values import suggest

MAX_FILE_BYTES = 1_000_000
MAX_FILES = 100
_ABOUT = "catalog.toml"
_KEYS = ("default_locale", "values")


def read_folder(folder: Path | str) -> Catalog:
    """Return a catalog with the texts of a folder: `ru.toml`, `zh-Hant.toml` ..., and `catalog.toml` if it is there.

    A file of a locale has the tables `notices`, `moments` and `replies`; `catalog.toml` has `default_locale` and a
    table `values`.

    Raises:
        InvalidTemplate: A file cannot be read, or a text in it is wrong.
        UnknownLocale: A file is named after no language.
    """
    about, layers = _files(folder)
    return Catalog(layers, default_locale=str(about.get("default_locale", "en")), values=about.get("values"))


def lint_folder(folder: Path | str) -> tuple[SupportkitError, ...]:
    """Return everything that is wrong with the texts of a folder; nothing means that `read_folder` takes them."""
    try:
        about, layers = _files(folder)
        known(str(about.get("default_locale", "en")))
    except (InvalidTemplate, UnknownLocale) as problem:
        return (problem,)
    return lint(layers, about.get("values"))


def _files(folder: Path | str) -> tuple[dict[str, Any], list[Layer]]:
    """Return what `catalog.toml` says and the texts of each locale.

    Raises:
        InvalidTemplate: A file cannot be read, or there is none.
    """
    files = sorted(Path(folder).glob("*.toml")) if Path(folder).is_dir() else []
    if not files:
        raise InvalidTemplate(Path(folder).name, "there is no folder of this name with files such as ru.toml")
    if len(files) > MAX_FILES:
        raise InvalidTemplate(Path(folder).name, f"at most {MAX_FILES} files are allowed, got {len(files)}")
    contents = {file: _read(file) for file in files}
    about = next((data for file, data in contents.items() if file.name == _ABOUT), {})
    for key in about:
        if key not in _KEYS:
            raise InvalidTemplate(_ABOUT, f"{key[:64]!r} is not a key here{suggest(key, _KEYS)}")
    layers = [
        Layer(locale=file.stem, texts=data, source=file.name) for file, data in contents.items() if file.name != _ABOUT
    ]
    return about, layers


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES:
            raise InvalidTemplate(file.name, f"a file of texts has at most {MAX_FILE_BYTES} bytes")
        return tomllib.loads(raw.decode("utf-8-sig"))
    except OSError as error:
        raise InvalidTemplate(file.name, f"the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidTemplate(file.name, "the file is not UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidTemplate(file.name, f"the file is not TOML: {str(error)[:200]}") from None
