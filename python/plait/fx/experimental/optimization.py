# SPDX-License-Identifier: MIT
"""Modules made cheaper to run: batch normalization folded into the layers before it, dropout taken out."""

from __future__ import annotations

import copy
from typing import Any

from ... import nn
from ...nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval
from .._symbolic_trace import symbolic_trace
from ..graph_module import GraphModule
from ..node import Node

__all__ = ["fuse", "matches_module_pattern", "remove_dropout", "replace_node_module"]

_CONVOLUTIONS = {
    nn.Conv1d: nn.BatchNorm1d,
    nn.Conv2d: nn.BatchNorm2d,
    nn.Conv3d: nn.BatchNorm3d,
    nn.Linear: nn.BatchNorm1d,
}


def matches_module_pattern(pattern: Any, node: Node, modules: dict[str, Any]) -> bool:
    """Whether a node and the one before it call modules of two classes.

    Args:
        pattern: the class of the module before and of the module itself.
        node: the node.
        modules: the modules by path.

    Example:
        >>> from plait.fx.experimental.optimization import matches_module_pattern
        >>> net = plait.fx.symbolic_trace(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
        >>> modules = dict(net.named_modules())
        >>> [n.name for n in net.graph.nodes if matches_module_pattern((nn.Linear, nn.ReLU), n, modules)]
        ['_1']
    """
    if not node.args or not isinstance(node.args[0], Node):
        return False
    for expected, n in zip(pattern, (node.args[0], node)):
        if n.op != "call_module" or type(modules.get(str(n.target))) is not expected:
            return False
    return True


def replace_node_module(node: Node, modules: dict[str, Any], new_module: nn.Module) -> None:
    """Let a node call another module, put at the same path.

    Args:
        node: the node.
        modules: the modules by path; the path gets the new one.
        new_module: the new module.

    Example:
        >>> from plait.fx.experimental.optimization import replace_node_module
        >>> net = plait.fx.symbolic_trace(nn.Sequential(nn.ReLU()))
        >>> node = net.graph.find_nodes(op="call_module")[0]
        >>> replace_node_module(node, dict(net.named_modules()), nn.Tanh())
        >>> net(plait.zeros(1))
        tensor([0.])
    """
    path = str(node.target)
    modules[path] = new_module
    parent, _, name = path.rpartition(".")
    setattr(modules[parent], name, new_module)


def fuse(model: nn.Module, inplace: bool = False, no_trace: bool = False) -> GraphModule:
    """Fold batch normalizations that follow a convolution or linear layer into it; for a model in evaluation mode.

    Args:
        model: the model.
        inplace: changes ``model`` itself instead of a copy. Default: ``False``.
        no_trace: ``model`` is a GraphModule already. Default: ``False``.

    Returns:
        The model without them.

    Example:
        >>> from plait.fx.experimental.optimization import fuse
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).eval()
        >>> print(fuse(net).code.strip())
        def forward(self, input):
            input_1 = input
            _0 = getattr(self, "0")(input_1);  input_1 = None
            return _0
    """
    model = model if inplace else copy.deepcopy(model)
    traced: Any = model if no_trace and isinstance(model, GraphModule) else symbolic_trace(model)
    modules = dict(traced.named_modules())
    for layer, norm in _CONVOLUTIONS.items():
        for node in list(traced.graph.nodes):
            if not matches_module_pattern((layer, norm), node, modules) or len(node.args[0].users) > 1:
                continue
            bn = modules[str(node.target)]
            if not bn.track_running_stats:
                continue
            fold: Any = fuse_linear_bn_eval if layer is nn.Linear else fuse_conv_bn_eval
            replace_node_module(node.args[0], modules, fold(modules[str(node.args[0].target)], bn))
            node.replace_all_uses_with(node.args[0])
            traced.graph.erase_node(node)
    return GraphModule(traced, traced.graph, type(traced).__name__)


def remove_dropout(model: nn.Module) -> GraphModule:
    """The model without its dropout layers.

    Args:
        model: the model.

    Returns:
        A graph module that shares the other layers.

    Example:
        >>> from plait.fx.experimental.optimization import remove_dropout
        >>> [n.name for n in remove_dropout(nn.Sequential(nn.ReLU(), nn.Dropout())).graph.nodes]
        ['input_1', '_0', 'output']
    """
    traced = symbolic_trace(model)
    for node in list(traced.graph.nodes):
        if node.op == "call_module" and isinstance(traced.get_submodule(str(node.target)), nn.Dropout):
            node.replace_all_uses_with(node.args[0])
            traced.graph.erase_node(node)
    return GraphModule(traced, traced.graph, type(traced).__name__)
