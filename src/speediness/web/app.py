"""The server, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from speediness.errors import SpeedinessError
from speediness.web.api_error import ApiError
from speediness.web.guard import Guard
from speediness.web.job_routes import job_routes
from speediness.web.search_routes import search_routes
from speediness.web.services import Services
from speediness.web.settings import Settings
from speediness.web.study_routes import study_routes
from speediness.web.video_routes import video_routes
from speediness.web.view_routes import view_routes

STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings) -> ASGIApp:
    """The ASGI application of one server; what it keeps is opened now, its worker starts with it.

    Args:
        settings: folders, address and limits.

    Raises:
        OutputError: the state folder cannot be used, or another server uses it.
    """
    services = Services.open(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        services.runner.start()
        yield
        await services.runner.stop()
        services.database.close()

    makers = (video_routes, view_routes, job_routes, study_routes, search_routes)
    app = Starlette(
        lifespan=lifespan,
        routes=[
            *(route for maker in makers for route in maker(services)),
            Route("/", _page),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={SpeedinessError: _explain, HTTPException: _explain_http},
    )
    app.router.redirect_slashes = False
    return Guard(app, settings)


def _page(_: Request) -> FileResponse:
    return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})


def _refused(status: int, words: str) -> JSONResponse:
    return JSONResponse({"error": words}, status)


def _explain(_: Request, error: Exception) -> JSONResponse:
    return _refused(error.status if isinstance(error, ApiError) else 422, str(error))


def _explain_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _refused(error.status_code, str(error.detail).lower())
