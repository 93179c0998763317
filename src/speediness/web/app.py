"""The server, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
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

    Raises:
        OutputError: the state folder cannot be used, or another server uses it.
    """
    services = Services.open(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.runner.start()
        yield
        await services.runner.stop()
        services.database.close()

    # No generated documentation: its pages load scripts from elsewhere.
    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    for routes in (video_routes, view_routes, job_routes, study_routes, search_routes):
        app.include_router(routes(services))

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})

    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(SpeedinessError, _explain)
    app.add_exception_handler(RequestValidationError, _explain_request)
    app.add_exception_handler(HTTPException, _explain_http)
    return Guard(app, settings)


def _refused(status: int, words: str) -> JSONResponse:
    return JSONResponse({"error": words}, status)


def _explain(_: Request, error: Exception) -> JSONResponse:
    return _refused(error.status if isinstance(error, ApiError) else 422, str(error))


def _explain_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return _refused(422, f"the request makes no sense: {where} {first['msg'].lower()}")


def _explain_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _refused(error.status_code, str(error.detail).lower())
