"""speediness serve: a page on which to watch it happen."""

from __future__ import annotations

import argparse
import secrets
import socket
from pathlib import Path

from speediness.cli.outputs import check_folder, make_folder
from speediness.errors import SpeedinessError

GRACE_S = 2  # a browser that still plays a video keeps the server no longer than this


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        type=Path,
        default=Path(),
        help="where videos are (default: here)",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine alone)"
    )
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0: any that is free")
    parser.add_argument(
        "--state",
        metavar="DIR",
        type=Path,
        help="where uploads, results and votes are kept (default: FOLDER/.speediness)",
    )
    parser.add_argument(
        "--max-upload", metavar="GB", type=float, default=4.0, help="largest upload (default: 4)"
    )
    parser.add_argument(
        "--max-minutes", metavar="M", type=float, default=180.0, help="longest video (default: 180)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped with Ctrl-C."""
    if not arguments.folder.is_dir():
        raise SpeedinessError(f"{arguments.folder} is not a folder; name the one your videos are in")
    if not (arguments.max_upload > 0 and arguments.max_minutes > 0):
        raise SpeedinessError("--max-upload and --max-minutes must be above 0; leave them out if in doubt")
    state = arguments.state or arguments.folder / ".speediness"
    make_folder(state)
    check_folder(state, "choose another with --state")

    import uvicorn

    from speediness.web.app import create_app
    from speediness.web.settings import Limits, Settings, is_loopback

    with listening(arguments.host, arguments.port) as listener:
        settings = Settings(
            folder=arguments.folder.resolve(),
            state=state.resolve(),
            host=arguments.host,
            port=listener.getsockname()[1],
            token=None if is_loopback(arguments.host) else secrets.token_urlsafe(24),
            limits=Limits(upload_bytes=int(arguments.max_upload * 1e9), video_s=arguments.max_minutes * 60),
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
    return 0


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        SpeedinessError: no such address here, or the port is taken.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SpeedinessError(
            f"cannot listen on {host}, port {port}: {reason}; choose another --port or --host"
        ) from error


def _address(host: str, port: int, token: str | None) -> str:
    """What to open in a browser."""
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")
