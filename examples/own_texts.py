"""Texts in the words of a shop: notices over those that ship, one more language, canned replies, a value of its own.

The texts are a folder of TOML files that somebody without Python can write. A slip in one of them is found when the
catalog is made, with its file, its line and what was probably meant.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory

from supportkit.businesstime import BusinessCalendar
from supportkit.templates import Notice, lint_folder, next_opening, read_folder

ABOUT = """
[values]
"shop.phone" = "line"
"""

ENGLISH = """
[notices.solved]
short = "Done: {{ ticket.reference }}. Anything else? Call {{ shop.phone }}."

[replies.flat_tyre]
title = "Flat tyre: bring it in"
keywords = ["puncture", "tube"]
tags = ["wheels"]
body = "Hello {{ customer.name | default: 'there' }}, please bring the wheel in. Our number: {{ shop.phone }}."
"""

UKRAINIAN = r'''
[moments]
today = "сьогодні, {{ date }}, {{ time }} ({{ utc }})"
tomorrow = "завтра, {{ date }}, {{ time }} ({{ utc }})"
another_day = "{{ date }}, {{ time }} ({{ utc }})"

[notices.acknowledgement]
subject = "Ми отримали Ваше звернення {{ ticket.reference }}"
body = "Ми отримали Ваше звернення {{ ticket.reference }}.{% if opens %} Ми відчиняємося: {{ opens }}.{% endif %}"

[notices.closed]
subject = "Ваше звернення {{ ticket.reference }} закрито"
body = """
Ваше звернення {{ ticket.reference }} закрито.
{% if reopen_days %}Відповісти можна ще {{ reopen_days }} \
{{ reopen_days | plural: one: "день", few: "дні", many: "днів" }}.{% endif %}
"""
'''

SLIP = """
[notices.solved]
body = "Hello {{ custmer.name }}"
"""


def main() -> None:
    """Write the folder, read it, show what customers would get, then find a slip."""
    hours = BusinessCalendar.weekdays("Europe/Kyiv", start="09:00", end="18:00")
    friday_evening = dt.datetime(2026, 3, 6, 19, 30, tzinfo=dt.UTC)
    with TemporaryDirectory() as place:
        folder = Path(place)
        for name, text in (("catalog", ABOUT), ("en", ENGLISH), ("uk", UKRAINIAN)):
            (folder / f"{name}.toml").write_text(text, encoding="utf-8")
        catalog = read_folder(folder)

        values = {"ticket.reference": "K7Q2-9F3D", "shop.phone": "+49 30 1234"}
        print(catalog.render(Notice.SOLVED, locale="en", values=values, channel_kind="chat").body)
        print(catalog.render(Notice.SOLVED, locale="zh-Hans-CN", values=values, channel_kind="chat").body)

        closed = {"ticket.reference": "K7Q2-9F3D", "opens": next_opening(hours, friday_evening)}
        shown = catalog.render(
            "acknowledgement", locale="uk-UA", values=closed, timezone="Europe/Kyiv", now=friday_evening
        )
        print(f"[{shown.locale}] {shown.subject} | {shown.body}")
        for days in (1, 3, 14):
            count = {"ticket.reference": "K7Q2-9F3D", "reopen_days": days}
            print(catalog.render("closed", locale="uk", values=count).body.splitlines()[-1])

        for reply in catalog.replies.search("punctures", tags=["wheels"]):
            print(f"{reply.title}: {catalog.render(f'replies.{reply.name}', locale='en', values=values).body}")

        (folder / "en.toml").write_text(SLIP, encoding="utf-8")
        for problem in lint_folder(folder):
            print(problem)


if __name__ == "__main__":
    main()
