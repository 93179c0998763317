"""Functions as routes."""

import inspect
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from speediness.web.api_error import ApiError


class Routes(list[Route]):
    """Routes, each of which sends what a function returns: a response, or else JSON."""

    def on(self, verb: str, path: str, asked: Callable[..., Any] | None = None) -> Callable[..., Any]:
        """Let a function answer: with the named parts of the path, on a thread unless it is asynchronous.

        ``asked`` makes its argument ``asked`` of what the body holds, or with GET the query.
        """

        def keep(answer: Callable[..., Any]) -> None:
            takes_request = "request" in inspect.signature(answer).parameters
            on_thread = not inspect.iscoroutinefunction(answer)

            async def endpoint(request: Request) -> Response:
                words: dict[str, Any] = dict(request.path_params)
                if takes_request:
                    words["request"] = request
                if asked is not None:
                    try:
                        given = request.query_params if verb == "GET" else await request.json()
                        words["asked"] = asked(**given)
                    except (TypeError, ValueError, RecursionError, ClientDisconnect) as error:
                        raise ApiError(422, f"the request makes no sense: {error}") from error
                said = await (run_in_threadpool(answer, **words) if on_thread else answer(**words))
                return said if isinstance(said, Response) else JSONResponse(said)

            self.append(Route(path, endpoint, methods=[verb]))

        return keep
