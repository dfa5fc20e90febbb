"""Where the calls of an `AsyncDesk` run: a bounded pool of threads, and one thread alone for each transaction.

The rule of this module: a call that was begun is finished by its thread, whatever becomes of the task that waited.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar, cast

import attrs

from supportkit.errors import StorageError
from supportkit.storage.port import Storage

P = ParamSpec("P")
Result = TypeVar("Result")


class Pool:
    """A bounded number of threads. More calls than threads wait their turn, in the order in which they were made.

    Transactions have threads of their own, as many again: those that wait for each other keep no reader waiting. These
    are daemons, so an event loop that was abandoned inside a transaction does not keep the process from ending.
    """

    def __init__(self, threads: int) -> None:
        if threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="supportkit")
        self._threads = self._free = threads
        self._waiting: deque[Lane] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def submit(self, call: Callable[[], Result]) -> Future[Result]:
        """Let some thread make a call.

        Raises:
            StorageError: The pool was closed.
        """
        try:
            return self._executor.submit(call)
        except RuntimeError as error:
            raise StorageError("the desk is closed") from error

    def serve(self, lane: Lane) -> None:
        """Give a lane a thread, now or when another lane has ended.

        Raises:
            StorageError: The pool was closed.
        """
        with self._changed:
            if self._closed:
                raise StorageError("the desk is closed")
            if not self._free:
                self._waiting.append(lane)
                return
            threading.Thread(target=self._serve, args=(lane,), name="supportkit-transaction", daemon=True).start()
            self._free -= 1

    def _serve(self, lane: Lane | None) -> None:
        while lane is not None:
            lane.make_calls()
            with self._changed:
                lane = self._waiting.popleft() if self._waiting else None
                if lane is None:
                    self._free += 1
                    self._changed.notify_all()

    def close(self) -> None:
        """Take no more calls, and wait for those that were made and for the transactions that are open."""
        with self._changed:
            self._closed = True
        self._executor.shutdown(wait=True)
        with self._changed:
            self._changed.wait_for(lambda: self._free == self._threads)


class Lane:
    """Calls that one thread makes one after the other, until the lane is ended.

    A transaction needs it: the lock of a storage belongs to the thread that took it.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._ending = threading.Lock()
        self.ended = False
        pool.serve(self)

    def submit(self, call: Callable[[], Result]) -> Future[Result]:
        """Let the thread make a call after those that it was given before; any thread, once the lane has ended."""
        with self._ending:
            if not self.ended:
                future: Future[Result] = Future()
                self._calls.put((future, call))
                return future
        return self._pool.submit(call)

    def end(self) -> None:
        """Let the thread go when the calls that it was given are made."""
        with self._ending:
            self.ended = True
            self._calls.put(None)

    def make_calls(self) -> None:
        """Make the calls, in the thread of the lane, until its end."""
        for future, call in iter(self._calls.get, None):
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - carried to the task that waits
                future.set_exception(error)


_LANES: contextvars.ContextVar[tuple[tuple[Storage | None, Lane], ...]] = contextvars.ContextVar(
    "supportkit_lanes", default=()
)
"""The transactions that the running task is in. What it asks of the same storage has to run in their threads, or it
would wait for itself."""


@attrs.define
class Threads:
    """Makes the calls of one desk.

    Attributes:
        pool: Where calls run.
        lane: The one thread they run in instead, for the desk of a transaction.
        storage: What the calls are about; `None` until it is open.
    """

    pool: Pool
    lane: Lane | None = None
    storage: Storage | None = None

    def lane_here(self) -> Lane | None:
        """Return the thread of the transaction that the running task has open on the same storage."""
        if self.lane is not None:
            return self.lane
        here = (lane for storage, lane in reversed(_LANES.get()) if storage is self.storage and not lane.ended)
        return next(here, None)

    def begin(self, function: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Future[Result]:
        """Hand a call to its thread, with the context variables of the caller."""
        call = partial(contextvars.copy_context().run, function, *args, **kwargs)
        return (self.lane_here() or self.pool).submit(call)

    async def run(self, function: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Result:
        """Make a call and wait for it. If the wait is cancelled a call that was not begun is dropped."""
        return await asyncio.wrap_future(self.begin(function, *args, **kwargs))

    async def finish(self, function: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Result:
        """Make a call and wait for it to the end, also when the wait is cancelled; a second cancellation stops it."""
        made = asyncio.wrap_future(self.begin(function, *args, **kwargs))
        try:
            return await asyncio.shield(made)
        except asyncio.CancelledError:
            await asyncio.wait([made])
            raise

    async def each(self, items: Generator[Result, None, None]) -> AsyncGenerator[Result, None]:
        """Yield what a generator yields, and close it at the end; each of its steps is a call."""
        end, turn = object(), threading.Lock()  # a step that was given up may still run when the next one is made

        def step() -> object:
            with turn:
                return next(items, end)

        def close() -> None:
            with turn:
                items.close()

        try:
            while (item := await self.run(step)) is not end:
                yield cast("Result", item)
        finally:
            await self.finish(close)

    @asynccontextmanager
    async def inside(self, manager: AbstractContextManager[Result]) -> AsyncGenerator[tuple[Result, Threads], None]:
        """Enter and leave *manager* in one thread, and yield what it gives and how calls are made in that thread."""
        outer = self.lane_here()
        lane = outer or Lane(self.pool)
        here = Threads(self.pool, lane, self.storage)
        before, stack = _LANES.get(), ExitStack()
        try:
            try:
                entered = await here.run(stack.enter_context, manager)
            except BaseException:
                here.begin(stack.close)  # it may still be entering: nobody has written, nobody has to wait
                raise
            _LANES.set((*before, (self.storage, lane)))
            try:
                yield entered, here
            except BaseException as error:
                await here.finish(stack.__exit__, type(error), error, error.__traceback__)
                raise
            await here.finish(stack.__exit__, None, None, None)
        finally:
            _LANES.set(before)
            if lane is not outer:
                lane.end()
