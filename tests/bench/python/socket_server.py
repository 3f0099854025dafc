# SPDX-License-Identifier: MIT
"""Serves what the program socket_server serves, by asyncio and json, until SIGTERM."""

import asyncio
import json
import signal


def answer(line):
    """One line for another."""
    try:
        [(name, content)] = json.loads(line).items()
        if name == "sum":
            return {"sum": sum(content)}
        return {"error": f"no request {name!r}"}
    except (ValueError, TypeError, AttributeError) as error:
        return {"error": str(error)}


async def talk(reader, writer):
    """One request after the other, until the client has said all or is gone."""
    try:
        while line := await reader.readline():
            writer.write(json.dumps(answer(line)).encode() + b"\n")
            await writer.drain()
    except (ValueError, OSError):  # a line that is too long, or the client is gone
        pass
    writer.close()


async def serve():
    """On a port that it says."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 24, backlog=4096)
    print(f"listening on 127.0.0.1 port {server.sockets[0].getsockname()[1]}", flush=True)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve())
