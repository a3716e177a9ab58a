"""Runs the scripted model: `python -m dev.model`."""

import os

import uvicorn

from dev.model.app import create_app

_DEFAULT_PORT = 8083

if __name__ == "__main__":
    uvicorn.run(
        create_app(),
        host="127.0.0.1",
        port=int(os.environ.get("TRUNKLINE_MODEL_SERVER__PORT") or _DEFAULT_PORT),
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
