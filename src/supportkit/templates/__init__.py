"""Texts for customers: notices and canned replies, in Liquid, in the language and time zone of whoever reads them.

Importing this loads neither Babel nor Liquid: a `Catalog` needs the first, a text that is rendered or checked both.
"""

from __future__ import annotations

from supportkit.errors import InvalidTemplate, TemplateFailed, UnknownLocale
from supportkit.templates.catalog import Catalog, Layer, Rendered
from supportkit.templates.folder import lint_folder, read_folder
from supportkit.templates.locales import chain
from supportkit.templates.moments import next_opening
from supportkit.templates.notices import Fields, Kind, Notice
from supportkit.templates.reading import Reply
from supportkit.templates.replies import Replies

__all__ = [
    "Catalog",
    "Fields",
    "InvalidTemplate",
    "Kind",
    "Layer",
    "Notice",
    "Rendered",
    "Replies",
    "Reply",
    "TemplateFailed",
    "UnknownLocale",
    "chain",
    "lint_folder",
    "next_opening",
    "read_folder",
]
