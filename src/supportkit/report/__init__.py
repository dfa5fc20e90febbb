"""Reports: what was measured as one HTML file, readable on a phone and on paper, in English, Russian and Chinese."""

from __future__ import annotations

from supportkit.report.model import Report, Score
from supportkit.report.page import render

__all__ = ["Report", "Score", "render"]
