"""The compiler: feeds a checked spec to `transitions` and reads the machine back. The only importer of `transitions`.

It is imported inside the functions: importing supportkit, or this package, never loads it. What `*` and `=` mean is
decided by `transitions` alone: the table holds what the machine holds, so the two cannot disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supportkit.errors import InvalidLifecycle
from supportkit.lifecycle.spec import ANY

if TYPE_CHECKING:
    from transitions import Machine

    from supportkit.lifecycle.spec import LifecycleSpec

Table = dict[str, dict[str, str]]


def compile_table(spec: LifecycleSpec) -> Table:
    """Return state -> trigger -> destination for every state of a checked *spec*.

    Triggers keep the order in which the spec first names them.

    Raises:
        InvalidLifecycle: One trigger leads from one state to two destinations.
    """
    from transitions import Machine

    return _read_back(Machine(**_machine_arguments(spec)))


def draw(spec: LifecycleSpec) -> str:
    """Return a Mermaid `stateDiagram-v2` of a checked *spec*, drawn by the Mermaid engine of `transitions`.

    The engine's style classes are left out: they serve a machine that runs, and their text changes between releases.
    """
    from transitions.extensions.diagrams import GraphMachine

    machine = GraphMachine(**_machine_arguments(spec), graph_engine="mermaid")
    # The engine puts the title between two lines of dashes, where Mermaid expects YAML.
    graph: Any = machine.graph_cls(machine).get_graph(title=f'title: "{spec.name}"')
    lines = (line.rstrip() for line in graph.source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("  classDef ", "  Class "))) + "\n"


def _machine_arguments(spec: LifecycleSpec) -> dict[str, Any]:
    return {
        "model": None,
        "auto_transitions": False,
        "send_event": False,
        # A trigger may not be called like the attribute of the model; no name of ours starts with an underscore.
        "model_attribute": "_state",
        "initial": spec.initial,
        "states": [state.name for state in spec.states],
        "transitions": [
            {
                "trigger": edge.trigger,
                "source": ANY if edge.sources == (ANY,) else list(edge.sources),
                "dest": edge.dest,
            }
            for edge in spec.transitions
        ],
    }


def _read_back(machine: Machine) -> Table:
    table: Table = {state: {} for state in machine.states}
    for trigger, event in machine.events.items():
        for source, edges in event.transitions.items():
            # A machine may hold steps without a destination, which stay where they are; the table always says where.
            dests = list(dict.fromkeys(edge.dest or source for edge in edges))
            if len(dests) > 1:
                raise InvalidLifecycle(
                    f"{trigger!r} is ambiguous in state {source!r}: it leads to {' and to '.join(map(repr, dests))}"
                )
            table[source][trigger] = dests[0]
    return table
