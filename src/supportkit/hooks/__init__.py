"""Hooks: how plug-ins register things, take part in decisions and observe. One set of plug-ins a desk."""

from __future__ import annotations

from supportkit.hooks.manager import Hooks, PluginFailure
from supportkit.hooks.specs import Classification, hookimpl

__all__ = ["Classification", "Hooks", "PluginFailure", "hookimpl"]
