# SPDX-License-Identifier: MIT
"""Trees of containers: flatten them to a list of leaves and build them again."""

from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = [
    "KeyEntry",
    "LeafSpec",
    "MappingKey",
    "SequenceKey",
    "TreeSpec",
    "keystr",
    "register_pytree_node",
    "tree_all",
    "tree_any",
    "tree_flatten",
    "tree_flatten_with_path",
    "tree_is_leaf",
    "tree_iter",
    "tree_leaves",
    "tree_leaves_with_path",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_map_with_path",
    "tree_structure",
    "tree_unflatten",
    "treespec_pprint",
]

PyTree = Any
_Unflatten = Callable[[Iterable[Any], Any], Any]


@dataclass(frozen=True)
class SequenceKey:
    """The position of a child in a sequence."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence: Any) -> Any:
        """The child."""
        return sequence[self.idx]


@dataclass(frozen=True)
class MappingKey:
    """The key of a child in a mapping."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping: Any) -> Any:
        """The child."""
        return mapping[self.key]


@dataclass(frozen=True)
class GetAttrKey:
    """The attribute that holds a child."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj: Any) -> Any:
        """The child."""
        return getattr(obj, self.name)


KeyEntry = SequenceKey | MappingKey | GetAttrKey


class _Node(NamedTuple):
    flatten: Callable[[Any], tuple[list[Any], Any]]
    unflatten: Callable[[Iterable[Any], Any], Any]
    flatten_with_keys: Callable[[Any], tuple[list[tuple[Any, Any]], Any]] | None


NodeDef = _Node
SUPPORTED_NODES: dict[type, _Node] = {}


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[Any, Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    *,
    serialized_type_name: str | None = None,
    flatten_with_keys_fn: Callable[[Any], Any] | None = None,
    **options: Any,
) -> None:
    """Let objects of a class be nodes.

    Args:
        cls: the class, not its subclasses.
        flatten_fn: gives the children and a context that describes the rest.
        unflatten_fn: makes the object of children and context.
        serialized_type_name: accepted; trees are not written to files.
        flatten_with_keys_fn: gives (key, child) pairs and the context.
    """
    SUPPORTED_NODES[cls] = _Node(lambda o: _listed(flatten_fn(o)), unflatten_fn, flatten_with_keys_fn)


_register_pytree_node = register_pytree_node


def _listed(parts: tuple[Any, Any]) -> tuple[list[Any], Any]:
    return list(parts[0]), parts[1]


def _deregister_pytree_node(cls: type) -> None:
    del SUPPORTED_NODES[cls]


def _sequence_keys(children: list[Any]) -> list[tuple[Any, Any]]:
    return [(SequenceKey(i), child) for i, child in enumerate(children)]


def _register_sequence(
    cls: type, unflatten: Callable[[Iterable[Any], Any], Any], context: Callable[[Any], Any]
) -> None:
    register_pytree_node(
        cls,
        lambda s: (list(s), context(s)),
        unflatten,
        flatten_with_keys_fn=lambda s: (_sequence_keys(list(s)), context(s)),
    )


def _register_mapping(cls: type, unflatten: _Unflatten, context: Callable[[Any], Any]) -> None:
    register_pytree_node(
        cls,
        lambda d: (list(d.values()), context(d)),
        unflatten,
        flatten_with_keys_fn=lambda d: ([(MappingKey(k), v) for k, v in d.items()], context(d)),
    )


def _dict_flatten(d: dict[Any, Any]) -> tuple[list[Any], Any]:
    return list(d.values()), list(d)


def _dict_unflatten(values: Iterable[Any], context: Any) -> dict[Any, Any]:
    return dict(zip(context, values))


def _dict_flatten_with_keys(d: dict[Any, Any]) -> tuple[list[tuple[Any, Any]], Any]:
    return [(MappingKey(key), value) for key, value in d.items()], list(d)


def _list_flatten(values: list[Any]) -> tuple[list[Any], Any]:
    return list(values), None


def _list_unflatten(values: Iterable[Any], context: Any) -> list[Any]:
    return list(values)


_register_sequence(list, lambda children, _: list(children), lambda s: None)
_register_sequence(tuple, lambda children, _: tuple(children), lambda s: None)
_register_sequence(deque, lambda children, length: deque(children, maxlen=length), lambda s: s.maxlen)
_register_sequence(namedtuple, lambda children, cls: cls(*children), type)  # type: ignore[arg-type]
_register_mapping(dict, lambda children, keys: dict(zip(keys, children)), list)
_register_mapping(OrderedDict, lambda children, keys: OrderedDict(zip(keys, children)), list)
_register_mapping(
    defaultdict,
    lambda children, context: defaultdict(context[0], zip(context[1], children)),
    lambda d: [d.default_factory, list(d)],
)


def is_namedtuple_class(cls: type) -> bool:
    """Whether a class was made by ``namedtuple`` or ``NamedTuple``."""
    return isinstance(cls, type) and issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)


def is_namedtuple(obj: Any) -> bool:
    """Whether an object is of such a class."""
    return is_namedtuple_class(type(obj))


def is_structseq(obj: Any) -> bool:
    """Whether an object is a named result of an op."""
    return isinstance(obj, tuple) and hasattr(type(obj), "n_sequence_fields")


def _node_type(tree: Any) -> Any:
    cls = type(tree)
    if cls in SUPPORTED_NODES:
        return cls
    return namedtuple if issubclass(cls, tuple) and is_namedtuple_class(cls) else None


_get_node_type = _node_type
_MAPPINGS = {dict, OrderedDict, defaultdict}


@dataclass(frozen=True)
class TreeSpec:
    """The shape of a tree: the kinds of its nodes, without the leaves."""

    type: Any
    context: Any
    children_specs: list[TreeSpec]
    num_nodes: int = field(init=False)
    num_leaves: int = field(init=False)
    num_children: int = field(init=False)

    def __post_init__(self) -> None:
        leaf = self.type is None
        object.__setattr__(self, "num_nodes", 1 + sum(c.num_nodes for c in self.children_specs))
        object.__setattr__(self, "num_leaves", 1 if leaf else sum(c.num_leaves for c in self.children_specs))
        object.__setattr__(self, "num_children", len(self.children_specs))

    def is_leaf(self) -> bool:
        """Whether the tree is one leaf."""
        return self.type is None

    def children(self) -> list[TreeSpec]:
        """The shapes of the children."""
        return list(self.children_specs)

    def child(self, index: int) -> TreeSpec:
        """The shape of one child."""
        return self.children_specs[index]

    def unflatten(self, leaves: Iterable[Any]) -> PyTree:
        """The tree of these leaves."""
        return tree_unflatten(leaves, self)

    def flatten_up_to(self, tree: PyTree) -> list[Any]:
        """The parts of a tree that stand where this one has leaves.

        Raises:
            ValueError: if the tree has another node where this one has a node.
        """
        if self.is_leaf():
            return [tree]
        children = self._children_of(tree)
        return [part for spec, child in zip(self.children_specs, children) for part in spec.flatten_up_to(child)]

    def _children_of(self, tree: PyTree) -> list[Any]:
        """The children of a node like this one; mappings of all kinds are alike, with the same keys in any order."""
        node = _node_type(tree)
        if node is not self.type and not {node, self.type} <= _MAPPINGS:
            raise ValueError(f"tree: expected a node of {self.type}, got {type(tree)}")
        children, context = SUPPORTED_NODES[node].flatten(tree)
        if len(children) != self.num_children:
            raise ValueError(
                f"tree: arity mismatch, expected {self.num_children} children of {type(tree)}, got {len(children)}"
            )
        if node in _MAPPINGS:
            keys = self.context[1] if self.type is defaultdict else self.context
            if set(tree) != set(keys):
                raise ValueError(f"tree: expected the keys {keys}, got {list(tree)}")
            return [tree[key] for key in keys]
        if node is not deque and context != self.context:
            raise ValueError(f"tree: expected a node of {self.type} with {self.context}, got {context}")
        return children

    def __hash__(self) -> int:
        return hash((self.type, repr(self.context), tuple(self.children_specs)))

    def __repr__(self) -> str:
        if self.is_leaf():
            return "*"
        return f"TreeSpec({self.type.__name__}, {self.context!r}, {self.children_specs!r})"


def LeafSpec() -> TreeSpec:
    """The shape of a leaf."""
    return TreeSpec(None, None, [])


_LEAF = LeafSpec()
_IsLeaf = Callable[[Any], bool] | None


def _flatten(tree: PyTree, leaves: list[Any], is_leaf: _IsLeaf) -> TreeSpec:
    node = None if is_leaf is not None and is_leaf(tree) else _node_type(tree)
    if node is None:
        leaves.append(tree)
        return _LEAF
    children, context = SUPPORTED_NODES[node].flatten(tree)
    return TreeSpec(node, context, [_flatten(child, leaves, is_leaf) for child in children])


def tree_flatten(tree: PyTree, is_leaf: _IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree, and its shape."""
    leaves: list[Any] = []
    spec = _flatten(tree, leaves, is_leaf)
    return leaves, spec


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> PyTree:
    """The tree of this shape with these leaves.

    Raises:
        ValueError: if there are more or fewer leaves than the shape has.
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(f"tree_unflatten: expected treespec to be a TreeSpec, got {type(treespec).__name__}")
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(f"tree_unflatten: leaves expected {treespec.num_leaves}, got {len(leaves)}")
    rest = iter(leaves)

    def build(spec: TreeSpec) -> Any:
        if spec.is_leaf():
            return next(rest)
        return SUPPORTED_NODES[spec.type].unflatten([build(child) for child in spec.children_specs], spec.context)

    return build(treespec)


def tree_iter(tree: PyTree, is_leaf: _IsLeaf = None) -> Iterable[Any]:
    """The leaves, one after the other."""
    return iter(tree_flatten(tree, is_leaf)[0])


def tree_leaves(tree: PyTree, is_leaf: _IsLeaf = None) -> list[Any]:
    """The leaves."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: PyTree, is_leaf: _IsLeaf = None) -> TreeSpec:
    """The shape."""
    return tree_flatten(tree, is_leaf)[1]


def tree_is_leaf(tree: PyTree, is_leaf: _IsLeaf = None) -> bool:
    """Whether an object is a leaf."""
    return (is_leaf is not None and is_leaf(tree)) or _node_type(tree) is None


def _map(func: Callable[[Any], Any], tree: PyTree, is_leaf: _IsLeaf) -> PyTree:
    node = None if is_leaf is not None and is_leaf(tree) else _node_type(tree)
    if node is None:
        return func(tree)
    children, context = SUPPORTED_NODES[node].flatten(tree)
    return SUPPORTED_NODES[node].unflatten([_map(func, child, is_leaf) for child in children], context)


def tree_map(func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: _IsLeaf = None) -> PyTree:
    """The tree of the function's results at each leaf; ``rests`` give its further arguments."""
    if not rests:
        return _map(func, tree, is_leaf)
    leaves, spec = tree_flatten(tree, is_leaf)
    return tree_unflatten(map(func, leaves, *[spec.flatten_up_to(rest) for rest in rests]), spec)


def tree_map_(func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: _IsLeaf = None) -> PyTree:
    """Call the function at each leaf; the tree."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def map_only(kind: Any, /) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """A decorator: the function for objects of these types, or for which a predicate holds; others stay."""
    holds = kind if callable(kind) and not isinstance(kind, type) else lambda x: isinstance(x, kind)

    def wrapper(func: Callable[[Any], Any]) -> Callable[[Any], Any]:
        @functools.wraps(func)
        def wrapped(x: Any) -> Any:
            return func(x) if holds(x) else x

        return wrapped

    return wrapper


def tree_map_only(kind: Any, /, func: Callable[[Any], Any], tree: PyTree, is_leaf: _IsLeaf = None) -> PyTree:
    """As :func:`tree_map`, for the leaves of these types alone."""
    return tree_map(map_only(kind)(func), tree, is_leaf=is_leaf)


def tree_map_only_(kind: Any, /, func: Callable[[Any], Any], tree: PyTree, is_leaf: _IsLeaf = None) -> PyTree:
    """As :func:`tree_map_`, for the leaves of these types alone."""
    return tree_map_(map_only(kind)(func), tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: PyTree, is_leaf: _IsLeaf = None) -> bool:
    """Whether the predicate holds for every leaf."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: PyTree, is_leaf: _IsLeaf = None) -> bool:
    """Whether the predicate holds for some leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def _paths(tree: PyTree, path: tuple[Any, ...], is_leaf: _IsLeaf) -> Iterable[tuple[tuple[Any, ...], Any]]:
    node = None if is_leaf is not None and is_leaf(tree) else _node_type(tree)
    if node is None:
        yield path, tree
        return
    with_keys = SUPPORTED_NODES[node].flatten_with_keys
    if with_keys is None:
        raise ValueError(f"tree: {node} was registered without flatten_with_keys_fn, its children have no keys")
    for key, child in with_keys(tree)[0]:
        yield from _paths(child, (*path, key), is_leaf)


def tree_leaves_with_path(tree: PyTree, is_leaf: _IsLeaf = None) -> list[tuple[tuple[Any, ...], Any]]:
    """(keys from the root, leaf) for every leaf."""
    return list(_paths(tree, (), is_leaf))


def tree_flatten_with_path(tree: PyTree, is_leaf: _IsLeaf = None) -> tuple[list[tuple[tuple[Any, ...], Any]], TreeSpec]:
    """:func:`tree_leaves_with_path`, and the shape."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: _IsLeaf = None) -> PyTree:
    """As :func:`tree_map`; the function gets the keys first."""
    pairs, spec = tree_flatten_with_path(tree, is_leaf)
    parts = [spec.flatten_up_to(rest) for rest in rests]
    return tree_unflatten((func(path, leaf, *rest) for (path, leaf), *rest in zip(pairs, *parts)), spec)


def keystr(kp: Iterable[Any]) -> str:
    """Keys as they are written in Python."""
    return "".join(map(str, kp))


def treespec_pprint(treespec: TreeSpec) -> str:
    """The shape as text."""
    return repr(treespec)


def _broadcast_to_and_flatten(tree: PyTree, treespec: TreeSpec, is_leaf: _IsLeaf = None) -> list[Any] | None:
    """The leaves of a tree that ends above the shape's leaves, each repeated; None if it does not fit."""
    if _node_type(tree) is None or (is_leaf is not None and is_leaf(tree)):
        return [tree] * treespec.num_leaves
    if treespec.is_leaf() or _node_type(tree) is not treespec.type:
        return None
    children, context = SUPPORTED_NODES[treespec.type].flatten(tree)
    if len(children) != treespec.num_children or context != treespec.context:
        return None
    result: list[Any] = []
    for child, spec in zip(children, treespec.children_specs):
        part = _broadcast_to_and_flatten(child, spec, is_leaf)
        if part is None:
            return None
        result += part
    return result
