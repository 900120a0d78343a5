# SPDX-License-Identifier: MIT
"""Functions and modules as graphs of operations: traced, read, changed, run, printed as Python.

:func:`symbolic_trace` runs a function once with proxies in place of values and notes what is done with them. The
:class:`Graph` that results is a list of :class:`Node`, which programs read and change; a :class:`GraphModule` runs it.
Branches and loops that depend on an input cannot be traced: they raise an error that says what can be done.
"""

from __future__ import annotations

from ._symbolic_trace import PH, Tracer, symbolic_trace, wrap
from .graph import CodeGen, Graph
from .graph_module import GraphModule
from .interpreter import Interpreter, Transformer
from .node import Node, has_side_effect, map_arg
from .proxy import Proxy
from .subgraph_rewriter import replace_pattern

__all__ = [
    "PH",
    "CodeGen",
    "Graph",
    "GraphModule",
    "Interpreter",
    "Node",
    "Proxy",
    "Tracer",
    "Transformer",
    "has_side_effect",
    "map_arg",
    "replace_pattern",
    "symbolic_trace",
    "wrap",
]
