"""The user's function: found by name, understood by its signature, called with a decoded body."""

import asyncio
import contextlib
import difflib
import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qc_consumer.delivery import Delivery
from qc_consumer.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class Handler:
    """A function of (body) or (body, delivery), plain or `async def`.

    A first parameter annotated `bytes` gets the body as it came, whatever its content type.
    """

    function: Callable[..., Any]
    takes_delivery: bool
    is_async: bool
    wants_bytes: bool

    @classmethod
    def of(cls, function: Callable[..., Any]) -> "Handler":
        """Look at the function; raise ConfigurationError if it cannot be called with a body and a delivery."""
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"the handler {function!r} cannot be called: {error}") from error
        takes_delivery = _binds(signature, 2)
        if not takes_delivery and not _binds(signature, 1):
            raise ConfigurationError(
                f"the handler {_name(function)}{signature} must take (body) or (body, delivery) and nothing else"
            )
        first = next(iter(signature.parameters.values()))
        call = getattr(function, "__call__", function)  # noqa: B004 - an object may have an async __call__
        return cls(
            function=function,
            takes_delivery=takes_delivery,
            is_async=inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call),
            wants_bytes=first.annotation in (bytes, "bytes"),
        )

    def arguments(self, delivery: Delivery) -> tuple[Any, ...]:
        """Give what the function is called with; raises Undecodable."""
        body = delivery.raw if self.wants_bytes else delivery.body
        return (body, delivery) if self.takes_delivery else (body,)

    def run(self, delivery: Delivery) -> None:
        """Call the function; an async one in a loop of its own. Raises what it raises."""
        result = self.function(*self.arguments(delivery))
        if self.is_async:
            asyncio.run(result)

    async def arun(self, delivery: Delivery) -> None:
        """Await the function in the running loop."""
        await self.function(*self.arguments(delivery))


def _binds(signature: inspect.Signature, count: int) -> bool:
    with contextlib.suppress(TypeError):
        signature.bind(*range(count))
        return True
    return False


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", None) or type(function).__name__


def load_handler(path: str) -> Handler:
    """Import `module:function`, also from the working directory; raise ConfigurationError saying what is missing."""
    module_name, separator, attribute = path.partition(":")
    if not (separator and module_name and attribute):
        raise ConfigurationError(f"CONSUMER_HANDLER must look like app:handle, not {path!r}")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)  # at the end: a file of the user must not hide a module of a library
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise  # a module that the user's module imports; the traceback tells which
        raise ConfigurationError(
            f"CONSUMER_HANDLER={path}: there is no module {error.name!r} in {folder} or among the installed ones"
        ) from None
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, vars(found) if hasattr(found, "__dict__") else [], 1)
            hint = f"; is it {near[0]!r}?" if near else ""
            raise ConfigurationError(f"CONSUMER_HANDLER={path}: {module_name} has no {part!r}{hint}")
        found = getattr(found, part)
    if not callable(found):
        raise ConfigurationError(f"CONSUMER_HANDLER={path} is a {type(found).__name__}, not a function")
    return Handler.of(found)
