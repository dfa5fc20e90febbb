"""Every exception and warning of supportkit, grouped by whose fault it is.

Yours at build time (`ConfigurationError`), your user's at run time (`WorkflowError`, `NotFound`), the world's
(`StorageError`, `ChannelError`). Every class has a stable dotted `code` and says whether a retry can help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class SupportkitError(Exception):
    """The root of all errors of this library; never raised itself.

    Attributes:
        code: Stable dotted string for programs and logs.
        retryable: Whether the same call may succeed later without a change by the caller.
    """

    code: ClassVar[str] = "supportkit"
    retryable: ClassVar[bool] = False

    def __new__(cls, *args: Any, **kwargs: Any) -> SupportkitError:  # noqa: PYI034
        """Refuse to build the abstract root: an error without a kind tells nobody what to do."""
        if cls is SupportkitError:
            raise TypeError("SupportkitError is abstract: raise one of its subclasses")
        return super().__new__(cls, *args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by state, so that errors with keyword arguments survive a process boundary."""
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[SupportkitError], args: tuple[Any, ...], state: dict[str, Any]) -> SupportkitError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


# -- yours, at construction ------------------------------------------------------------------------------------------


class ConfigurationError(SupportkitError):
    """Something was built or configured wrongly; raised at construction, never in the middle of work."""

    code = "configuration"


class InvalidLifecycle(ConfigurationError, ValueError):
    """A lifecycle names unknown states, is ambiguous, has unreachable states or carries code."""

    code = "configuration.lifecycle"


class InvalidCalendar(ConfigurationError, ValueError):
    """A business calendar is malformed, names an unknown time zone, or never opens."""

    code = "configuration.calendar"


class InvalidPolicy(ConfigurationError, ValueError):
    """A service-level policy is malformed, contradicts itself, or names something that is not there."""

    code = "configuration.policy"


class InvalidEscalation(ConfigurationError, ValueError):
    """Support lines, escalation rules, vendors or duties are malformed, contradict each other, or name nobody."""

    code = "configuration.escalation"


class InvalidTemplate(ConfigurationError, ValueError):
    """A text for customers cannot be used: bad syntax, an unknown placeholder or key, a plural form that is missing.

    Attributes:
        template: Which text it is: its source, key, part and locale.
        line: The line of that text, from 1; `None` where no line is to blame.
    """

    code = "configuration.template"

    def __init__(self, template: str, problem: str, line: int | None = None) -> None:
        self.template = template
        self.line = line
        self.problem = problem
        super().__init__(f"{template}{'' if line is None else f', line {line}'}: {problem}")


class InvalidConfiguration(ConfigurationError, ValueError):
    """A configuration file cannot be used.

    Attributes:
        file: Its name.
        problems: Everything that is wrong with it, each with its key.
    """

    code = "configuration.file"

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{file}: {problem}" for problem in self.problems))


class UnknownLocale(ConfigurationError, ValueError):
    """A catalog names a language that the Unicode locale data does not have."""

    code = "configuration.locale"

    def __init__(self, locale: str, advice: str) -> None:
        self.locale = locale
        super().__init__(f"no locale {locale[:40]!r} is known{advice}")


class UnknownChannel(ConfigurationError):
    """A channel was named that this desk does not have."""

    code = "configuration.channel"

    def __init__(self, channel: str, known: Sequence[str]) -> None:
        self.channel = channel
        self.known = tuple(known)
        has = ", ".join(self.known) or "none"
        super().__init__(f"no channel {channel!r} in this desk; it has: {has}")


class PluginError(ConfigurationError):
    """A plug-in cannot be used: misspelt hook, wrong arguments, wrong return type, import error, name taken twice."""

    code = "configuration.plugin"

    def __init__(self, plugin: str, problem: str) -> None:
        self.plugin = plugin
        self.problem = problem
        super().__init__(f"plug-in {plugin!r}: {problem}")


class SchemaOutOfDate(ConfigurationError):
    """The database has another schema version than this release of supportkit."""

    code = "configuration.schema"

    def __init__(self, *, found: str | None, wanted: str, advice: str) -> None:
        self.found = found
        self.wanted = wanted
        super().__init__(f"the database schema is {found or 'absent'}, this release needs {wanted}: {advice}")


# -- your user's -----------------------------------------------------------------------------------------------------


class WorkflowError(SupportkitError):
    """The rules say no; nothing has happened."""

    code = "workflow"


class IllegalTransition(WorkflowError):
    """A trigger is not allowed in the state of the ticket.

    Attributes:
        state: The state that the ticket is in.
        trigger: What was asked for.
        allowed: The triggers that this state has.
    """

    code = "workflow.illegal_transition"

    def __init__(self, state: str, trigger: str, allowed: Sequence[str]) -> None:
        self.state = state
        self.trigger = trigger
        self.allowed = tuple(allowed)
        can = ", ".join(self.allowed) or "nothing"
        super().__init__(f"{trigger!r} is not possible in state {state!r}; possible: {can}")


class Refused(WorkflowError):
    """A guard, a policy or a plug-in refused the command; `refusal` holds the code and the sentence for the person."""

    code = "workflow.refused"

    def __init__(self, refusal: Any) -> None:
        self.refusal = refusal
        super().__init__(f"{refusal.sentence} [{refusal.code}]")


class IllegalSettlement(WorkflowError):
    """A delivery cannot be settled so: only those that wait for a person can, and only in certain ways.

    Attributes:
        delivery: The id of the delivery.
        state: Where it stands.
        wanted: What was asked for.
        allowed: What this state allows; empty where no person has a say.
    """

    code = "workflow.illegal_settlement"

    def __init__(self, delivery: str, state: str, wanted: str, allowed: Sequence[str]) -> None:
        self.delivery = delivery
        self.state = state
        self.wanted = wanted
        self.allowed = tuple(allowed)
        can = ", ".join(self.allowed) or "nothing; people settle what is unknown or parked"
        super().__init__(f"delivery {delivery!r:.140} is {state} and cannot become {wanted}; possible: {can}")


class CapabilityMissing(WorkflowError):
    """A channel or a storage was asked for something that it does not declare."""

    code = "workflow.capability"

    def __init__(self, who: str, capability: str, sentence: str) -> None:
        self.who = who
        self.capability = capability
        super().__init__(f"{who!r} does not offer {capability!r}: {sentence}")


class LimitExceeded(WorkflowError, ValueError):
    """A value is larger than a limit allows; the value itself is never part of the error."""

    code = "workflow.limit"

    def __init__(self, limit: str, allowed: int, got: int, unit: str = "") -> None:
        self.limit = limit
        self.allowed = allowed
        self.got = got
        super().__init__(f"{limit}: at most {allowed}{unit and ' ' + unit} allowed, got {got}")


class InvalidStaff(WorkflowError, ValueError):
    """An agent, a team or a shift cannot be as it was given.

    Attributes:
        subject: Who or what it is.
        field: The attribute that is wrong.
        problem: What is wrong with it.
    """

    code = "workflow.staff"

    def __init__(self, subject: str, field: str, problem: str) -> None:
        self.subject = subject
        self.field = field
        self.problem = problem
        super().__init__(f"{subject}, {field}: {problem}")


class TemplateFailed(WorkflowError):
    """No text of a key could be rendered with these values; the values themselves are never part of the error."""

    code = "workflow.template"

    def __init__(self, key: str, problems: Sequence[str]) -> None:
        self.key = key
        self.problems = tuple(problems)
        super().__init__(f"{key!r} could not be rendered: {'; '.join(self.problems)}")


class IdempotencyConflict(WorkflowError):
    """An idempotency key was used again with other parameters; the stored parameters are never shown."""

    code = "idempotency.conflict"

    def __init__(self, key: str, verb: str) -> None:
        self.key = key
        self.verb = verb
        super().__init__(
            f"the idempotency key {key!r} was used before with other parameters; use a new key for {verb!r}"
        )


class NotFound(SupportkitError, LookupError):
    """There is no such thing in this tenant; an id of another tenant gives exactly the same error."""

    code = "not_found"

    def __init__(self, kind: str, id: object) -> None:  # noqa: A002
        self.kind = kind
        self.id = id
        super().__init__(f"no {kind} {id!r:.80}")


class TicketNotFound(NotFound):
    """There is no ticket with this id or number in this tenant."""

    code = "not_found.ticket"

    def __init__(self, id: object) -> None:  # noqa: A002
        super().__init__("ticket", id)


class NoBusinessTime(SupportkitError, ValueError):
    """A question about business time can never be answered: one-off openings only, and they are used up."""

    code = "no_business_time"


class UnknownState(SupportkitError, ValueError):
    """A history names a state that belongs to no category; what it means for clocks is never guessed."""

    code = "unknown_state"

    def __init__(self, state: str, known: Sequence[str]) -> None:
        self.state = state
        self.known = tuple(known)
        has = ", ".join(self.known) or "none"
        super().__init__(f"the state {state!r} has no category; known states: {has}")


class HistoryNeeded(SupportkitError, ValueError):
    """A fact changes the past of a ticket, so its clocks follow from the whole history and not from a snapshot."""

    code = "history_needed"


# -- the world's -----------------------------------------------------------------------------------------------------


class StorageError(SupportkitError):
    """The storage could not do it. The change is either stored whole or not at all."""

    code = "storage"


class LevelsOutdated(StorageError):
    """Another process recorded newer service levels than this one has read; the desk reads them and tries again."""

    code = "storage.levels_outdated"
    retryable = True

    def __init__(self, known: int, needed: int) -> None:
        """Name the revision that is known and the one that a ticket was measured with."""
        self.known = known
        self.needed = needed
        super().__init__(f"revision {known} of the service levels is known here, a ticket was measured with {needed}")


class ConcurrentUpdate(StorageError):
    """Somebody else changed the ticket first; load it again and decide again.

    Attributes:
        ticket: Which one; empty where the database only says that two transactions got in each other's way.
        expected: The version that it was expected to have.
    """

    code = "storage.concurrent_update"
    retryable = True

    def __init__(self, ticket: str, expected: int, sentence: str | None = None) -> None:
        self.ticket = ticket
        self.expected = expected
        super().__init__(sentence or f"ticket {ticket} is no longer at version {expected}: load it and decide again")


class StorageUnavailable(StorageError):
    """The database cannot be reached or is locked; the same call may succeed later."""

    code = "storage.unavailable"
    retryable = True


class CannotJoin(StorageError):
    """The connection that the app handed over has no open transaction in which this desk could write."""

    code = "storage.cannot_join"

    def __init__(self, why: str) -> None:
        super().__init__(f"this connection cannot be joined: {why}")


class StorageFull(StorageError):
    """The disk is full or the database is read-only; trying again does not help until a person acts."""

    code = "storage.full"


class StorageCorrupt(StorageError):
    """What the storage holds cannot be read: not a database, a damaged file, an unknown event."""

    code = "storage.corrupt"


class InvalidCursor(StorageError, ValueError):
    """A paging or follower cursor was not made by this desk."""

    code = "storage.cursor"

    def __init__(self, why: str = "it was not made by this query") -> None:
        super().__init__(f"the cursor cannot be used: {why}")


class InvalidArchive(SupportkitError, ValueError):
    """An export cannot be imported: it was cut, changed or made up; nothing of it was kept.

    Attributes:
        line: The line that is wrong, from 1; `None` where it is no single one.
        problem: What is wrong, without what stands there.
    """

    code = "archive.invalid"

    def __init__(self, line: int | None, problem: str) -> None:
        self.line = line
        self.problem = problem
        super().__init__(f"the export cannot be imported: {'' if line is None else f'line {line}: '}{problem}")


class DeskNotEmpty(SupportkitError):
    """An export is imported into a tenant that has no rows at all; this one has some."""

    code = "archive.not_empty"

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        super().__init__(
            f"tenant {tenant!r} has rows already: import into an empty one, with a desk that was opened without levels="
        )


class ChannelError(SupportkitError):
    """Something about a channel or its provider went wrong."""

    code = "channel"


class MalformedPayload(ChannelError, ValueError):
    """What arrived is not what the provider sends."""

    code = "channel.malformed"


class SignatureMismatch(ChannelError):
    """A delivery is not signed as it should be; the text never says more than the kind.

    Attributes:
        kind: `missing`, `malformed`, `mismatch`, `stale`, or `misconfigured`, which is our own fault.
    """

    code = "channel.signature"
    KINDS = ("missing", "malformed", "mismatch", "stale", "misconfigured")

    def __init__(self, kind: str) -> None:
        if kind not in self.KINDS:
            raise ValueError(f"a signature is wrong in one of these ways: {', '.join(self.KINDS)}")
        self.kind = kind
        super().__init__(f"the delivery is not signed as it should be: {kind}")


class DeliveryParked(ChannelError):
    """A delivery was given up after its tries; a person decides what becomes of it. Reported, not raised."""

    code = "channel.parked"


class UnsendableMessage(ChannelError, ValueError):
    """A message cannot be put into the form of its channel: a bad address, a missing file, a header that is not clean.

    Attributes:
        reason: One of the words for rejected deliveries, such as `bad_recipient`.
    """

    code = "channel.unsendable"

    def __init__(self, reason: str, sentence: str) -> None:
        self.reason = reason
        super().__init__(f"the message cannot be sent: {sentence} [{reason}]")


class SupportkitWarning(UserWarning):
    """Something works, but not as safely or quickly as it could; `desk.check()` repeats it."""
