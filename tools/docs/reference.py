# SPDX-License-Identifier: MIT
"""The API reference: every name of `__all__` of every public module, from the op table, signatures and docstrings.

A name is described once, at the first place that has it; other places refer to it. `plait` and the methods of Tensor
are divided into groups; every other module is one page, unless all its names are described elsewhere.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import plait
from plait import _core
from plait._signatures import OpRow, make_signature

from docstrings import escaped, rendered, signature_text, summary
from groups import GROUPS, group

__all__ = ["Reference"]

# Modules whose names are public in the module above them, and the forms that packages of PyTorch's ecosystem see.
_INSIDE = ("plait.nn.functional.", "plait.nn.modules", "plait.autograd.variable", "plait.compat.")


def modules() -> Iterator[str]:
    """The names of all public modules, a package before what is in it."""
    yield "plait"
    for info in pkgutil.walk_packages(plait.__path__, "plait."):
        private = any(part.startswith(("_", "lib")) for part in info.name.split("."))
        if not private and (not info.name.startswith(_INSIDE) or info.name == "plait.compat.operators"):
            yield info.name


@dataclass
class Page:
    """A page: a title, what stands below it, and entries by name."""

    path: str
    title: str
    introduction: str
    entries: dict[str, Any] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)  # name: where it is described


class Reference:
    """All pages of the reference, and where each name stands."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pages: dict[str, Page] = {}
        self.places: dict[str, str] = {}  # name: page; the anchor is the name
        self.rows: dict[str, OpRow] = {row["signature"]: row for row in _core._op_table()}
        self._homes: dict[int, str] = {}
        self._modules: dict[str, str] = {}  # module: page
        for name in modules():
            self._add_module(name)
        self._add_members("plait.Tensor", plait.Tensor)

    def _page(self, owner: str, title: str = "") -> Page:
        """The page of a module, or of one group of it."""
        short = owner.removeprefix("plait.").lower()
        slug = re.sub(r"\W+", "-", title.lower())
        path = f"api/{short}/{slug}.md" if title else f"api/{short}.md"
        if path not in self.pages:
            text = "" if title else inspect.getdoc(importlib.import_module(owner)) or ""
            self.pages[path] = Page(path, f"{owner.removeprefix('plait.')}: {title}" if title else owner, text)
        return self.pages[path]

    def _add_module(self, module_name: str) -> None:
        module = importlib.import_module(module_name)
        own: dict[str, Any] = {}
        elsewhere: dict[str, str] = {}
        for name in sorted(set(getattr(module, "__all__", ())), key=str.lower):
            value = getattr(module, name)
            path = f"{module_name}.{name}"
            if (callable(value) or inspect.ismodule(value)) and not isinstance(value, plait.dtype):
                home = self._homes.setdefault(id(value), path)
                if inspect.ismodule(value) and value.__name__.startswith("plait."):
                    home = value.__name__
            else:
                home = path
            if home == path:
                own[name] = value
            else:
                elsewhere[path] = home
        parent = module_name.rpartition(".")[0]
        if module_name == "plait":
            for name, value in own.items():
                self._place(self._page("plait", group(self.root, name, value)), f"plait.{name}", value)
            return
        # A module without a name of its own stands on the page of the package that describes most of its names.
        host = module_name
        while not own and host not in self._modules and "." in parent:
            host, parent = parent, parent.rpartition(".")[0]
        page = self._page(host)
        self._modules[module_name] = page.path
        for name, value in own.items():
            self._place(page, f"{module_name}.{name}", value)
        page.elsewhere |= elsewhere
        for path in elsewhere:
            self.places[path] = page.path

    def _place(self, page: Page, path: str, value: Any) -> None:
        page.entries[path] = value
        self.places[path] = page.path
        if path != "plait.Tensor" and inspect.isclass(value):
            for name in members(value):
                self.places[f"{path}.{name}"] = page.path

    def _add_members(self, owner: str, cls: type) -> None:
        for name in sorted((n for n in dir(cls) if not n.startswith("_")), key=str.lower):
            value = inspect.getattr_static(cls, name)
            self._place(self._page(owner, group(self.root, name, value)), f"{owner}.{name}", value)

    def resolver(self, page: str, context: str) -> Callable[[str], str | None]:
        """What finds the link from a page to a name, as a docstring of `context` writes it."""
        outer = context.split(".")
        scopes = [".".join(outer[:n]) + "." for n in range(len(outer), 0, -1)]
        scopes += ["", "plait.nn.", "plait.nn.functional.", "plait.Tensor.", "plait.utils.data."]

        def resolve(name: str) -> str | None:
            name = re.sub(r"^torch\b", "plait", name.strip().removesuffix("()"))
            for scope in scopes:
                target = self.places.get(scope + name)
                if target is not None:
                    return self.link(page, scope + name)
                if scope + name in self._modules:
                    return posixpath.relpath(self._modules[scope + name], posixpath.dirname(page))
            return None

        return resolve

    def link(self, page: str, name: str) -> str:
        """The link from a page to the place of a name."""
        target = self.places[name]
        return f"#{name}" if target == page else f"{posixpath.relpath(target, posixpath.dirname(page))}#{name}"

    def texts(self) -> dict[str, str]:
        """The Markdown of every page."""
        made = {page.path: self._text(page) for page in self.pages.values()}
        return made | {"api/index.md": self._index()}

    def _text(self, page: Page) -> str:
        resolve = self.resolver(page.path, page.title.partition(":")[0])
        parts = [f"# {escaped(page.title)}", rendered(page.introduction, resolve)]
        for path, value in sorted(page.entries.items(), key=lambda item: item[0].lower()):
            parts += self._entry(page, path, value)
        if page.elsewhere:
            parts += ["## Described elsewhere", self._elsewhere(page)]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _elsewhere(self, page: Page) -> str:
        by_module: dict[str, list[str]] = defaultdict(list)
        for path, home in page.elsewhere.items():
            module, _, name = path.rpartition(".")
            link = self.link(page.path, home) if home in self.places else None
            if home in self._modules:
                link = posixpath.relpath(self._modules[home], posixpath.dirname(page.path))
            shown = f"[`{name}`]({link})" if link else f"`{name}`"
            by_module[module].append(f'<a id="{path}"></a>{shown}')
        return "\n".join(f"- `{module}`: {', '.join(names)}" for module, names in sorted(by_module.items()))

    def _entry(self, page: Page, path: str, value: Any, level: int = 2) -> list[str]:
        """Heading, signatures, text, members."""
        name = path.rpartition(".")[2]
        resolve = self.resolver(page.path, path)
        owner = path.rpartition(".")[0]
        shown = f"{owner.rpartition('.')[2]}.{name}" if level > 2 else path.removeprefix("plait.")
        parts = [f"{'#' * level} `{shown}` {{ #{path} }}"]
        docstring = inspect.getdoc(value) or ""
        if isinstance(value, int | float | str | tuple | plait.dtype | type(None)) and not inspect.isclass(value):
            return [*parts, f"`{value!r}`" if not isinstance(value, plait.dtype) else "A dtype."]
        signatures = self._signatures(path, name, value)
        signature = ("\n\n" if "\n" in "".join(signatures) else "\n").join(signatures)
        if signature:
            parts.append(f"```python\n{signature}\n```")
        twin = f"plait.{name}"
        if path.startswith("plait.Tensor.") and twin in self.places and callable(value):
            parts.append(f"{summary(docstring, resolve)} See [`{twin}`]({self.link(page.path, twin)}).")
        elif re.search(r"^The in-place form of \w+", docstring, re.M):
            parts.append(summary(docstring, resolve))
        else:
            parts.append(rendered(docstring, resolve))
        if inspect.isclass(value):
            parts += self._class_parts(page, path, value, resolve)
        return parts

    def _class_parts(self, page: Page, path: str, cls: type, resolve: Callable[[str], str | None]) -> list[str]:
        if path == "plait.Tensor":
            pages = [p for p in self.pages.values() if p.path.startswith("api/tensor/")]
            up = posixpath.dirname(page.path)
            return ["Attributes and methods:", *(f"- [{p.title}]({posixpath.relpath(p.path, up)})" for p in pages)]
        parts = []
        bases = [base for base in cls.__bases__ if base.__module__.startswith("plait") and base.__name__[0] != "_"]
        if bases:
            links = [(base.__name__, resolve(self._homes.get(id(base), base.__name__))) for base in bases]
            parts.append(
                "**Base**: " + ", ".join(f"[`{name}`]({link})" if link else f"`{name}`" for name, link in links)
            )
        for name, member in members(cls).items():
            parts += self._entry(page, f"{path}.{name}", member, level=4)
        return parts

    def _signatures(self, path: str, name: str, value: Any) -> list[str]:
        """The signatures as Python writes them: those of an op's overloads from the table."""
        lines = (inspect.getdoc(value) or "").partition("\n\n")[0].split("\n")
        rows = [self.rows[line] for line in lines if line in self.rows]
        method = path.startswith("plait.Tensor.")
        if rows and not inspect.isclass(value):
            return [signature_text(name, self._op_signature(row, method)) for row in rows]
        if isinstance(value, property) or inspect.isgetsetdescriptor(value):
            return []
        try:
            signature = inspect.signature(getattr(value, "__func__", value))
        except (TypeError, ValueError):
            return [line for line in lines if line.startswith(f"{name}(")]
        if inspect.isclass(value):
            return ["class " + signature_text(name, signature.replace(return_annotation=inspect.Signature.empty))]
        return [signature_text(name, signature)]

    @staticmethod
    def _op_signature(row: OpRow, method: bool) -> inspect.Signature:
        signature = make_signature(row)
        parameters = list(signature.parameters.values())
        if method:
            parameters = parameters[1:]
        elif "o" in row["where"]:
            kind = "Sequence[Tensor]" if row["results"][0][0] else "Tensor"
            empty = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=f"{kind} | None")
            parameters.append(empty)
        return signature.replace(parameters=parameters)

    def _index(self) -> str:
        """The page with which the reference begins."""
        rows = []
        for path in self._order():
            page = self.pages[path]
            names = [f"`{name.rpartition('.')[2]}`" for name in list(page.entries)[:: len(page.entries) // 5 + 1]]
            holds = summary(page.introduction, self.resolver("api/index.md", page.title)) or f"{', '.join(names)}, ..."
            link = f"[{page.title}]({path.removeprefix('api/')})"
            rows.append(f"| {link} | {holds.replace('|', '&#124;')} | {len(page.entries)} |")
        text = (self.root / "tools/docs/reference.md").read_text(encoding="utf-8")
        return f"{text}\n| page | what it holds | names |\n| --- | --- | ---: |\n" + "\n".join(rows) + "\n"

    def _order(self) -> list[str]:
        """All pages: those in groups first, in the order of the groups, then modules by name."""
        titles = list(GROUPS)

        def key(path: str) -> tuple[int, int, str]:
            owner, _, title = self.pages[path].title.partition(": ")
            return (owner != "plait" if title else 2), titles.index(title) if title else 0, owner

        return sorted(self.pages, key=key)

    def navigation(self) -> list[Any]:
        """The pages in the order of the navigation, groups below what they belong to."""
        sections: dict[str, list[Any]] = {}
        entries: list[Any] = []
        for path in self._order():
            owner, _, title = self.pages[path].title.partition(": ")
            if not title:
                entries.append({owner.removeprefix("plait."): path})
                continue
            if owner not in sections:
                entries.append({owner: sections.setdefault(owner, [])})
            sections[owner].append({title: path})
        return entries


def members(cls: type) -> dict[str, Any]:
    """The public methods and properties that a class itself defines and describes."""
    found = {}
    for name, member in vars(cls).items():
        value = getattr(member, "__func__", member)
        described = isinstance(value, property) or (callable(value) and not inspect.isclass(value))
        if not name.startswith("_") and described and value.__doc__:
            found[name] = member
    return dict(sorted(found.items()))
