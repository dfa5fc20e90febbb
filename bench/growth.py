"""P14: whether commands get slower with what is there already: messages of the ticket, tickets of the desk, plug-ins.

Everything is on SQLite files with synchronous=NORMAL, because the flush of FULL would hide most differences. The
commands are a reply, an assignment and a customer's message on tickets picked at random, each its own commit.
"""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.harness import Row, at_most, insist, median_us, seconds, take_turns
from bench.hooks import Watcher
from supportkit import Desk

BAR = 1.2
MANY_MESSAGES = 1_000
MANY_TICKETS, FEW_TICKETS = 20_000, 100
PLUGINS = 20
TURNS = 60
COMMANDS = 3
WORDS = (
    *("printer", "tray", "paper", "page", "jam", "cover", "test", "rear", "open", "close", "order", "invoice", "login"),
    *("password", "account", "update", "network", "screen", "cable", "error", "install", "version", "driver", "phone"),
)


def run() -> list[Row]:
    """Measure each of the three."""
    with ExitStack() as stack:
        few = stack.enter_context(filled(FEW_TICKETS))
        many = stack.enter_context(filled(MANY_TICKETS))
        watched = stack.enter_context(filled(FEW_TICKETS, plugins=PLUGINS))
        return [
            insist(lambda: _messages_row(few)),
            insist(lambda: _tickets_row(many, few)),
            insist(lambda: _plugins_row(watched, few)),
        ]


@contextmanager
def filled(tickets: int, *, plugins: int = 0) -> Iterator[Desk]:
    """Yield a desk with open tickets on a file of its own."""
    dice = random.Random(tickets)
    with tempfile.TemporaryDirectory(prefix="supportkit-bench-") as folder:
        watchers = [Watcher(f"watcher-{number}") for number in range(plugins)]
        with Desk(f"sqlite:///{Path(folder, 'desk.db')}", synchronous="normal", plugins=watchers) as desk:
            for begin in range(0, tickets, 500):
                with desk.transaction() as inside:
                    for _ in range(min(500, tickets - begin)):
                        inside.open(say(dice, 6), say(dice, 30), author="customer:c-1")
            yield desk


def say(dice: random.Random, length: int) -> str:
    """Return some words: common ones and a number that few other texts have."""
    return " ".join([*dice.choices(WORDS, k=length), str(dice.randrange(10_000))])


def work(desk: Desk, tickets: Sequence[int], *, seed: int) -> Callable[[], None]:
    """Return a function that works on *tickets* in turn."""
    dice = random.Random(seed)
    texts = [(say(dice, 20), say(dice, 20), f"kim-{dice.randrange(1_000)}") for _ in tickets]

    def commands() -> None:
        for ticket, (answer, thanks, name) in zip(tickets, texts, strict=True):
            desk.reply(ticket, answer, actor="agent:kim")
            desk.assign(ticket, assignee=name, actor="agent:kim")
            desk.add_message(ticket, thanks, author="customer:c-1")

    return commands


def _row(id: str, text: str, reference: str, ours: Callable[[], float], base: Callable[[], float]) -> Row:  # noqa: A002
    measured = take_turns(ours, base, rounds=9)
    return at_most(
        BAR,
        measured.ratios,
        spread=measured.spread,
        id=id,
        work=text,
        reference=reference,
        ours_us=median_us(measured.ours, TURNS * COMMANDS),
        base_us=median_us(measured.base, TURNS * COMMANDS),
    )


def _messages_row(desk: Desk) -> Row:
    """Both tickets lie in one file, so that nothing but their messages differs."""
    dice = random.Random(3)
    old = desk.open("long", author="customer:c-1").number
    for _ in range(MANY_MESSAGES // 100):
        with desk.transaction() as inside:
            for _ in range(100):
                inside.add_message(old, say(dice, 20), author="customer:c-1")
    seeds = itertools.count()

    def fresh() -> float:
        new = desk.open("short", author="customer:c-1").number
        return seconds(work(desk, [new] * TURNS, seed=next(seeds)))

    return _row(
        "P14-messages",
        f"commands on a ticket with {MANY_MESSAGES:,} messages",
        "a new ticket",
        lambda: seconds(work(desk, [old] * TURNS, seed=next(seeds))),
        fresh,
    )


def _tickets_row(many: Desk, few: Desk) -> Row:
    dice = random.Random(4)

    def side(desk: Desk, tickets: int) -> float:
        picked = [dice.randint(1, tickets) for _ in range(TURNS)]
        return seconds(work(desk, picked, seed=dice.randrange(1_000_000)))

    return _row(
        "P14-tickets",
        f"commands on a desk with {MANY_TICKETS:,} open tickets",
        f"{FEW_TICKETS} tickets",
        lambda: side(many, MANY_TICKETS),
        lambda: side(few, FEW_TICKETS),
    )


def _plugins_row(watched: Desk, alone: Desk) -> Row:
    dice = random.Random(5)

    def side(desk: Desk) -> float:
        picked = [dice.randint(1, FEW_TICKETS) for _ in range(TURNS)]
        return seconds(work(desk, picked, seed=dice.randrange(1_000_000)))

    return _row("P14-plugins", f"commands with {PLUGINS} plug-ins", "none", lambda: side(watched), lambda: side(alone))
