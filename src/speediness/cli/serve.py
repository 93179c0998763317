"""``speediness serve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from speediness.cli.outputs import check_folder, make_folder
from speediness.errors import SpeedinessError

if TYPE_CHECKING:
    import socket

GRACE_S = 2  # a browser that still plays a video keeps the server no longer than this


def serve(
    folder: Path = Path(),
    /,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    state: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    max_upload: Annotated[float, Parameter(metavar="GB")] = 4.0,
    max_minutes: Annotated[float, Parameter(metavar="M")] = 180.0,
) -> None:
    """Do the same in a browser, until stopped with Ctrl-C.

    Args:
        folder: where videos are (default: here)
        host: address to listen on; 127.0.0.1 is this machine alone
        port: 0: any that is free
        state: where uploads, results and votes are kept (default: FOLDER/.speediness)
        max_upload: largest upload
        max_minutes: longest video
    """
    if not folder.is_dir():
        raise SpeedinessError(f"{folder} is not a folder; name the one your videos are in")
    if not (max_upload > 0 and max_minutes > 0):
        raise SpeedinessError("--max-upload and --max-minutes must be above 0; leave them out if in doubt")
    state = state or folder / ".speediness"
    make_folder(state)
    check_folder(state, "choose another with --state")

    import secrets

    import uvicorn

    from speediness.web.app import create_app
    from speediness.web.settings import Limits, Settings, is_loopback

    with listening(host, port) as listener:
        settings = Settings(
            folder=folder.resolve(),
            state=state.resolve(),
            host=host,
            port=listener.getsockname()[1],
            token=None if is_loopback(host) else secrets.token_urlsafe(24),
            limits=Limits(upload_bytes=int(max_upload * 1e9), video_s=max_minutes * 60),
        )
        app = create_app(settings)
        print(f"speediness is at {_address(settings.host, settings.port, settings.token)}", flush=True)
        print("stop it with Ctrl-C", flush=True)
        config = uvicorn.Config(
            app,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=GRACE_S,
        )
        uvicorn.Server(config).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        SpeedinessError: no such address here, or the port is taken.
    """
    import socket

    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
        # Else the body of each answer waits 40 ms for the browser to acknowledge the headers.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SpeedinessError(
            f"cannot listen on {host}, port {port}: {reason}; choose another --port or --host"
        ) from error


def _address(host: str, port: int, token: str | None) -> str:
    """What to open in a browser."""
    if host in ("0.0.0.0", "::"):
        import socket

        host = socket.gethostname()
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")
