"""Laws: a random spec compiles and agrees with a live machine everywhere, or is an `InvalidLifecycle`; never more."""

from __future__ import annotations

import itertools
import pickle

import attrs
from hypothesis import assume, event, given
from hypothesis import strategies as st
from tests.unit.lifecycle.live import assert_agrees

from supportkit.errors import InvalidLifecycle
from supportkit.lifecycle import BUILT_IN, Lifecycle, LifecycleSpec, State, Transition
from supportkit.model.ticket import StateCategory

NAMES = st.sampled_from(["a", "b", "c", "d", "e", "state", "trigger", "initial", "to_a", "self", "Bad", "", "*", "="])
GOOD_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
CATEGORIES = st.sampled_from(StateCategory)


@st.composite
def wild_specs(draw):
    """Anything that has the right types; nearly none of these is a lifecycle."""
    return LifecycleSpec(
        name=draw(NAMES),
        initial=draw(NAMES),
        states=tuple(draw(st.lists(st.builds(State, name=NAMES, category=CATEGORIES), max_size=6))),
        transitions=tuple(
            draw(
                st.lists(
                    st.builds(Transition, trigger=NAMES, sources=st.lists(NAMES, max_size=3).map(tuple), dest=NAMES),
                    max_size=8,
                )
            )
        ),
    )


@st.composite
def likely_specs(draw):
    """Known states, a NEW start, a CLOSED end, a way to each state: only ambiguity can spoil these."""
    names = draw(st.lists(GOOD_NAMES, min_size=2, max_size=7, unique=True))
    triggers = draw(st.lists(GOOD_NAMES, min_size=1, max_size=5, unique=True))
    middle = [State(name=name, category=draw(CATEGORIES)) for name in names[1:-1]]
    first, last = State(name=names[0], category=StateCategory.NEW), State(name=names[-1], category=StateCategory.CLOSED)
    sources = st.one_of(
        st.just(("*",)), st.lists(st.sampled_from(names), min_size=1, max_size=4).map(tuple)
    )  # fmt: skip
    dest = st.one_of(st.just("="), st.sampled_from(names))
    free = draw(
        st.lists(st.builds(Transition, trigger=st.sampled_from(triggers), sources=sources, dest=dest), max_size=5)
    )
    # The chain has triggers of its own (longer than any that is drawn), so that it is never ambiguous.
    chain = [
        Transition(trigger=f"go_to_state_{at}", sources=(here,), dest=there)
        for at, (here, there) in enumerate(itertools.pairwise(names))
    ]
    order = draw(st.permutations([*chain, *free]))
    return LifecycleSpec(
        name=draw(GOOD_NAMES), initial=names[0], states=(first, *middle, last), transitions=tuple(order)
    )


@st.composite
def spoiled_specs(draw):
    """A well-formed spec with one thing changed, so that the checks are met from nearby."""
    spec = draw(likely_specs())
    kind = draw(st.sampled_from(["initial", "states", "transitions"]))
    if kind == "initial":
        return attrs.evolve(
            spec, initial=draw(st.one_of(NAMES, st.sampled_from([state.name for state in spec.states])))
        )
    items = list(getattr(spec, kind))
    at = draw(st.integers(min_value=0, max_value=len(items) - 1))
    match draw(st.sampled_from(["drop", "repeat", "rename"])):
        case "drop":
            del items[at]
        case "repeat":
            items.append(items[at])
        case _ if kind == "states":
            items[at] = draw(st.builds(State, name=st.just(items[at].name) | NAMES, category=CATEGORIES))
        case _:
            items[at] = attrs.evolve(
                items[at], dest=draw(NAMES | st.sampled_from([state.name for state in spec.states]))
            )
    return attrs.evolve(spec, **{kind: tuple(items)})


def compiled_or_none(spec):
    try:
        return Lifecycle.compile(spec)
    except InvalidLifecycle:
        return None


def ambiguous(spec):
    """Say by hand, from the words of the spec, whether one trigger leads from one state to two."""
    seen = {}
    for edge in spec.transitions:
        sources = [state.name for state in spec.states] if edge.sources == ("*",) else edge.sources
        for source in sources:
            dest = source if edge.dest == "=" else edge.dest
            if seen.setdefault((source, edge.trigger), dest) != dest:
                return True
    return False


@given(st.one_of(wild_specs(), spoiled_specs()))
def test_a_wild_or_spoiled_spec_agrees_with_a_live_machine_or_is_invalid(spec):
    lifecycle = compiled_or_none(spec)
    event("compiles" if lifecycle else "is invalid")
    if lifecycle is not None:
        assert_agrees(lifecycle)


@given(likely_specs())
def test_a_well_formed_spec_compiles_unless_it_is_ambiguous_and_agrees_with_a_live_machine(spec):
    lifecycle = compiled_or_none(spec)
    event("compiles" if lifecycle else "is ambiguous")
    assert (lifecycle is None) == ambiguous(spec)
    if lifecycle is not None:
        assert_agrees(lifecycle)


@given(likely_specs())
def test_a_compiled_lifecycle_survives_pickling_with_every_step(spec):
    lifecycle = compiled_or_none(spec)
    assume(lifecycle is not None)
    back = pickle.loads(pickle.dumps(lifecycle))
    assert back == lifecycle
    assert back._table == lifecycle._table


@given(st.one_of(wild_specs(), likely_specs()))
def test_from_dict_is_the_inverse_of_to_dict(spec):
    assert LifecycleSpec.from_dict(spec.to_dict()) == spec


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6) | st.integers(), inner, max_size=4),
    max_leaves=12,
)


def spots(value, path=()):
    """List the path of every value inside plain data."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from spots(inner, (*path, key))


SPOTS = list(spots(BUILT_IN.to_dict()))


def put(value, path, junk):
    if not path:
        return junk
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], junk)
    return copy


@given(JUNK)
def test_junk_is_never_anything_but_an_invalid_lifecycle(junk):
    assert compiled_or_none(junk) is None


@given(st.sampled_from(SPOTS), JUNK)
def test_junk_in_any_place_of_good_data_is_never_anything_but_an_invalid_lifecycle(path, junk):
    lifecycle = compiled_or_none(put(BUILT_IN.to_dict(), path, junk))
    if lifecycle is not None:
        assert_agrees(lifecycle)


@given(st.text(max_size=200))
def test_any_text_is_a_lifecycle_or_invalid(text):
    try:
        LifecycleSpec.from_toml(text)
    except InvalidLifecycle:
        return
    raise AssertionError("random text must not be a lifecycle")
