# SPDX-License-Identifier: MIT
"""Pruning: parameters multiplied by a mask of zeros and ones.

A pruned parameter ``weight`` is kept as ``weight_orig``, its mask as the buffer ``weight_mask``; before each forward
``weight`` is computed from both. Pruning it again combines the masks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from ... import _core
from ..._core import ArgumentError, ArgumentTypeError, Tensor
from ..modules.module import Module
from .convert_parameters import parameters_to_vector

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


def _check_amount(amount: float) -> None:
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise ArgumentTypeError(f"prune: expected an amount that is a number, got {type(amount).__name__}")
    if amount < 0 or (isinstance(amount, float) and amount > 1):
        raise ArgumentError(f"prune: expected an amount of 0 to 1, or a number of entries, got {amount}")


def _count(amount: float, size: int) -> int:
    """How many of ``size`` entries an amount is."""
    count = amount if isinstance(amount, int) else round(amount * size)
    if count > size:
        raise ArgumentError(f"prune: expected an amount of at most {size} entries, got {count}")
    return count


class BasePruningMethod(ABC):
    """What pruning methods have in common; a subclass writes :meth:`compute_mask`.

    ``PRUNING_TYPE`` says what is pruned: ``"unstructured"`` entries, ``"structured"`` slices along a dimension, or
    anything, ``"global"``.

    Example:
        >>> from plait.nn.utils import prune
        >>> issubclass(prune.L1Unstructured, prune.BasePruningMethod)
        True
    """

    PRUNING_TYPE = "global"
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for a tensor: ``default_mask`` with more zeros.

        Args:
            t: scores of the entries, small for those to prune.
            default_mask: the mask so far.
        """

    def apply_mask(self, module: Module) -> Tensor:
        """The pruned tensor of a module: the original times the mask.

        Args:
            module: has been pruned by this method.
        """
        mask, original = getattr(module, f"{self._tensor_name}_mask"), getattr(module, f"{self._tensor_name}_orig")
        return mask.to(original.dtype) * original

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a parameter of a module with a method of this class.

        Args:
            module: has the parameter.
            name: the parameter's name.
            args: of the class.
            importance_scores: of the parameter's shape; ranks its entries in its place.
            kwargs: of the class.

        Returns:
            The method that is now called before each forward.

        Raises:
            ValueError: scores of another shape.
        """
        found = [h for h in module._forward_pre_hooks.values() if isinstance(h, BasePruningMethod)]
        earlier = next((h for h in found if h._tensor_name == name), None)
        method = cls(*args, **kwargs)
        method._tensor_name = name
        default_mask = None
        if earlier is not None:
            default_mask = getattr(module, f"{name}_mask").detach().clone()
            method = _combined(earlier, method, name)
        original = getattr(module, f"{name}_orig" if earlier is not None else name)
        if importance_scores is not None and importance_scores.shape != original.shape:
            raise ArgumentError(
                f"prune: expected importance_scores of shape {tuple(original.shape)}, got "
                f"{tuple(importance_scores.shape)}"
            )
        mask = _core.ones_like(original) if default_mask is None else default_mask.to(original.dtype)
        scores = getattr(module, name) if importance_scores is None else importance_scores
        mask = method.compute_mask(scores.detach(), mask).detach()
        if earlier is None:
            module.register_parameter(f"{name}_orig", original)
            del module._parameters[name]
            module.register_buffer(f"{name}_mask", mask)
            method._handle = module.register_forward_pre_hook(method)
        else:
            module._buffers[f"{name}_mask"] = mask
            earlier._handle.remove()
            method._handle = module.register_forward_pre_hook(method)
        setattr(module, name, method.apply_mask(module))
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """A pruned copy of a tensor.

        Args:
            t: any tensor.
            default_mask: the mask so far. Default: ones.
            importance_scores: of the shape of ``t``; ranks its entries in its place.

        Raises:
            ValueError: scores of another shape.
        """
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise ArgumentError(
                f"prune: expected importance_scores of shape {tuple(t.shape)}, got {tuple(scores.shape)}"
            )
        mask = _core.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, mask)

    def remove(self, module: Module) -> None:
        """Make the pruned values the parameter itself; the mask is gone.

        Args:
            module: has been pruned by this method.
        """
        name = self._tensor_name
        values = self.apply_mask(module)
        original = module._parameters.pop(f"{name}_orig")
        del module._buffers[f"{name}_mask"]
        vars(module).pop(name, None)
        original.data = values.detach()
        module.register_parameter(name, original)


def _combined(earlier: BasePruningMethod, method: BasePruningMethod, name: str) -> BasePruningMethod:
    if isinstance(earlier, PruningContainer):
        container = PruningContainer(*earlier)
    else:
        container = PruningContainer(earlier)
    container.add_pruning_method(method)
    container._tensor_name = name
    return container


class PruningContainer(BasePruningMethod):
    """Several methods that have pruned one parameter, in order; each sees what the ones before it have left.

    Args:
        args: the methods.

    Example:
        >>> from plait.nn.utils import prune
        >>> len(prune.PruningContainer(prune.Identity()))
        1
    """

    def __init__(self, *args: BasePruningMethod) -> None:
        self._methods: tuple[BasePruningMethod, ...] = ()
        if args:
            self._tensor_name = getattr(args[0], "_tensor_name", "")
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Append a method for the same parameter.

        Args:
            method: the method.

        Raises:
            TypeError: no pruning method. ValueError: one for another parameter.
        """
        if not isinstance(method, BasePruningMethod):
            raise ArgumentTypeError(f"PruningContainer: expected a BasePruningMethod, got {type(method).__name__}")
        name = getattr(method, "_tensor_name", "")
        if self._methods and name != self._tensor_name:
            raise ArgumentError(f"PruningContainer: expected a method for '{self._tensor_name}', got one for '{name}'")
        self._tensor_name = name
        self._methods = (*self._methods, method)

    def __len__(self) -> int:
        return len(self._methods)

    def __iter__(self) -> Any:
        return iter(self._methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask so far times that of the last method among the entries, or slices, that are left.

        Args:
            t: scores of the entries.
            default_mask: the mask so far.
        """
        method = self._methods[-1]
        mask = default_mask.clone()
        if method.PRUNING_TYPE == "unstructured":
            left = mask == 1
            mask[left] = method.compute_mask(t[left], mask[left])
            return mask
        if method.PRUNING_TYPE == "structured":
            dim = method.dim % t.dim()  # type: ignore[attr-defined]
            others = [d for d in range(t.dim()) if d != dim]
            places = (mask.sum(others) != 0).nonzero().flatten()
            part = method.compute_mask(t.index_select(dim, places), mask.index_select(dim, places))
            return mask.index_copy(dim, places, part)
        return method.compute_mask(t, mask)


class Identity(BasePruningMethod):
    """Prune nothing, but set up the mask.

    Example:
        >>> import plait
        >>> from plait.nn.utils import prune
        >>> prune.Identity().prune(plait.ones(2))
        tensor([1., 1.])
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class RandomUnstructured(BasePruningMethod):
    """Prune entries chosen at random.

    Args:
        amount: their share, a float of 0 to 1, or their number.

    Raises:
        ValueError: an amount out of range. TypeError: no number.

    Example:
        >>> import plait
        >>> from plait.nn.utils import prune
        >>> prune.RandomUnstructured(3).prune(plait.ones(8)).sum()
        tensor(5.)
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return _without(default_mask, _core.rand(t.numel(), device=t.device), _count(self.amount, t.numel()))


def _without(mask: Tensor, scores: Tensor, count: int) -> Tensor:
    """The mask with zeros at the ``count`` smallest scores."""
    flat = mask.clone().reshape(-1)
    if count:
        flat[scores.reshape(-1).topk(count, largest=False)[1]] = 0
    return flat.reshape(mask.shape)


class L1Unstructured(BasePruningMethod):
    """Prune the entries of the smallest size.

    Args:
        amount: their share, a float of 0 to 1, or their number.

    Raises:
        ValueError: an amount out of range. TypeError: no number.

    Example:
        >>> import plait
        >>> from plait.nn.utils import prune
        >>> prune.L1Unstructured(0.5).prune(plait.tensor([3.0, -1.0, 2.0, 0.5]))
        tensor([3., -0., 2., 0.])
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return _without(default_mask, t.abs(), _count(self.amount, t.numel()))


class _Structured(BasePruningMethod):
    PRUNING_TYPE = "structured"
    amount: float
    dim: int

    def _scores(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.dim() < 2:
            raise ArgumentError(f"prune: expected at least 2 dimensions to prune slices of, got shape {tuple(t.shape)}")
        if not -t.dim() <= self.dim < t.dim():
            raise ArgumentError(f"prune: dim {self.dim} is out of range for shape {tuple(t.shape)}")
        size = t.shape[self.dim]
        kept = _without(t.new_ones(size), self._scores(t), _count(self.amount, size))
        return default_mask * kept.to(default_mask.dtype).reshape(
            [-1 if d == self.dim % t.dim() else 1 for d in range(t.dim())]
        )


class RandomStructured(_Structured):
    """Prune slices along a dimension, chosen at random.

    Args:
        amount: their share, a float of 0 to 1, or their number.
        dim: the dimension. Default: the last.

    Raises:
        ValueError: an amount out of range. TypeError: no number.

    Example:
        >>> import plait
        >>> from plait.nn.utils import prune
        >>> prune.RandomStructured(1, dim=0).prune(plait.ones(3, 2)).sum()
        tensor(4.)
    """

    def __init__(self, amount: float, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount, self.dim = amount, dim

    def _scores(self, t: Tensor) -> Tensor:
        return _core.rand(t.shape[self.dim], device=t.device)


class LnStructured(_Structured):
    """Prune the slices along a dimension that have the smallest norm.

    Args:
        amount: their share, a float of 0 to 1, or their number.
        n: the order of the norm, as of :func:`plait.norm`.
        dim: the dimension. Default: the last.

    Raises:
        ValueError: an amount out of range. TypeError: no number.

    Example:
        >>> import plait
        >>> from plait.nn.utils import prune
        >>> prune.LnStructured(1, n=2, dim=0).prune(plait.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([[0., 0.],
                [3., 4.]])
    """

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount, self.n, self.dim = amount, n, dim

    def _scores(self, t: Tensor) -> Tensor:
        return t.norm(self.n, [d for d in range(t.dim()) if d != self.dim % t.dim()])


class CustomFromMask(BasePruningMethod):
    """Prune where a mask is 0.

    Args:
        mask: of the parameter's shape.

    Example:
        >>> import plait
        >>> from plait.nn.utils import prune
        >>> prune.CustomFromMask(plait.tensor([1, 0])).prune(plait.ones(2))
        tensor([1., 0.])
    """

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask * self.mask.to(default_mask.dtype)


# ---- Functions ------------------------------------------------------------------------------------------


def identity(module: Module, name: str) -> Module:
    """Set up the mask of a parameter without pruning; see :class:`Identity`.

    Args:
        module: has the parameter.
        name: the parameter's name.

    Returns:
        The module.

    Example:
        >>> from plait import nn
        >>> nn.utils.prune.identity(nn.Linear(2, 1), "weight").weight_mask
        tensor([[1., 1.]])
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prune entries of a parameter at random; see :class:`RandomUnstructured`.

    Args:
        module: has the parameter.
        name: the parameter's name.
        amount: their share, a float of 0 to 1, or their number.

    Returns:
        The module.

    Example:
        >>> from plait import nn
        >>> nn.utils.prune.random_unstructured(nn.Linear(4, 1), "weight", 3).weight_mask.sum()
        tensor(1.)
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: float, importance_scores: Tensor | None = None) -> Module:
    """Prune the entries of the smallest size of a parameter; see :class:`L1Unstructured`.

    Args:
        module: has the parameter.
        name: the parameter's name.
        amount: their share, a float of 0 to 1, or their number.
        importance_scores: of the parameter's shape; ranks its entries in its place.

    Returns:
        The module.

    Example:
        >>> from plait import nn
        >>> nn.utils.prune.l1_unstructured(nn.Linear(4, 1), "weight", 0.5).weight_mask.sum()
        tensor(2.)
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prune slices of a parameter at random; see :class:`RandomStructured`.

    Args:
        module: has the parameter.
        name: the parameter's name.
        amount: their share, a float of 0 to 1, or their number.
        dim: the dimension.

    Returns:
        The module.

    Example:
        >>> from plait import nn
        >>> nn.utils.prune.random_structured(nn.Linear(2, 3), "weight", 1, 0).weight_mask.sum()
        tensor(4.)
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> Module:
    """Prune the slices of the smallest norm of a parameter; see :class:`LnStructured`.

    Args:
        module: has the parameter.
        name: the parameter's name.
        amount: their share, a float of 0 to 1, or their number.
        n: the order of the norm.
        dim: the dimension.
        importance_scores: of the parameter's shape; ranks its slices in its place.

    Returns:
        The module.

    Example:
        >>> from plait import nn
        >>> nn.utils.prune.ln_structured(nn.Linear(2, 3), "weight", 1, 2, 0).weight_mask.sum()
        tensor(4.)
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune a parameter where a mask is 0; see :class:`CustomFromMask`.

    Args:
        module: has the parameter.
        name: the parameter's name.
        mask: of the parameter's shape.

    Returns:
        The module.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.utils.prune.custom_from_mask(nn.Linear(2, 1), "bias", plait.tensor([0])).bias
        tensor([0.], grad_fn=<MulBackward0>)
    """
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune the entries of several parameters as if they were one.

    Args:
        parameters: pairs of a module and a parameter's name.
        pruning_method: a class of unstructured pruning.
        importance_scores: by such pairs; ranks a parameter's entries in its place.
        kwargs: of the class.

    Raises:
        TypeError: a method that prunes no single entries.

    Example:
        >>> from plait import nn
        >>> a, b = nn.Linear(2, 1), nn.Linear(2, 1)
        >>> prune = nn.utils.prune
        >>> prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=3)
        >>> float(a.weight_mask.sum() + b.weight_mask.sum())
        1.0
    """
    parameters = list(parameters)
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise ArgumentTypeError(
            f"global_unstructured: expected a method of unstructured pruning, got {pruning_method.__name__}"
        )
    scores = importance_scores or {}
    ranked = parameters_to_vector([scores.get((m, n), getattr(m, n)).detach() for m, n in parameters])
    masks = [getattr(m, f"{n}_mask", _core.ones_like(getattr(m, n))).detach() for m, n in parameters]
    container = PruningContainer()
    container.add_pruning_method(_named(method))
    final = container.compute_mask(ranked, parameters_to_vector(masks))
    start = 0
    for (module, name), mask in zip(parameters, masks):
        part = final[start : start + mask.numel()].reshape(mask.shape)
        custom_from_mask(module, name, part)
        start += mask.numel()


def _named(method: BasePruningMethod) -> BasePruningMethod:
    method._tensor_name = "parameters"
    return method


def _methods_of(module: Module, name: str) -> list[tuple[int, BasePruningMethod]]:
    hooks = module._forward_pre_hooks.items()
    return [(k, h) for k, h in hooks if isinstance(h, BasePruningMethod) and h._tensor_name == name]


def remove(module: Module, name: str) -> Module:
    """Make the pruned values of a parameter permanent: mask and original are gone.

    Args:
        module: has been pruned.
        name: the parameter's name.

    Returns:
        The module.

    Raises:
        ValueError: the parameter has not been pruned.

    Example:
        >>> from plait import nn
        >>> layer = nn.utils.prune.l1_unstructured(nn.Linear(2, 1), "weight", 1)
        >>> sorted(dict(nn.utils.prune.remove(layer, "weight").named_parameters()))
        ['bias', 'weight']
    """
    found = _methods_of(module, name)
    if not found:
        raise ArgumentError(f"prune.remove: parameter '{name}' of {type(module).__name__} has not been pruned")
    for key, method in found:
        method.remove(module)
        del module._forward_pre_hooks[key]
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of a module or of its submodules is pruned.

    Args:
        module: any module.

    Returns:
        A bool.

    Example:
        >>> from plait import nn
        >>> nn.utils.prune.is_pruned(nn.Linear(2, 1))
        False
    """
    return any(isinstance(h, BasePruningMethod) for m in module.modules() for h in m._forward_pre_hooks.values())
