"""Routes that FastAPI looks at when they are first asked: looking at all two hundred takes longer than all else at the start."""

from collections.abc import Callable, Collection
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import compile_path


class Deferred(APIRoute):
    """A route that knows where it is; what it takes and answers is found out with the first use."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, methods: Collection[str], **more: Any) -> None:  # noqa: ANN401 - FastAPI's own
        self.path, self.endpoint, self.methods = path, endpoint, set(methods)
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self._more = more

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whichever attribute is not there yet
        """Have FastAPI find out, once, and answer from what it found."""
        if "_more" not in self.__dict__:
            raise AttributeError(name)
        super().__init__(self.path, self.endpoint, methods=self.methods, **self.__dict__.pop("_more"))
        return getattr(self, name)


def install(app: FastAPI, router: APIRouter) -> None:
    """Add a router's routes as they are: `include_router` would look at each of them again."""
    app.router.routes.extend(router.routes)
