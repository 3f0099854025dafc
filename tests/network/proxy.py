# SPDX-License-Identifier: MIT
"""A proxy for TCP that treats what passes badly, by chance from a seed, and counts what it did.

split    bytes go on one by one, or in small pieces
join     what was read waits for what comes next
delay    what was read goes on a little later
corrupt  one bit is another one, often of a digit: then it may be a digit still
cut      after some bytes both sides are closed
reset    after some bytes both sides are reset
"""

import asyncio
import collections
import contextlib
import dataclasses
import random
import socket
import threading

from service import reset

CHUNK = 1 << 16
SHORT = 0.003  # seconds: how long bytes are held back, at most
PIECES = 200  # into which a chunk is split, at most


@dataclasses.dataclass(frozen=True)
class Plan:
    """How likely each fault is: of a chunk, or (cut, reset) of a connection."""

    split: float = 0
    join: float = 0
    delay: float = 0
    corrupt: float = 0
    cut: float = 0
    reset: float = 0
    within: int = 500  # bytes: where cuts and resets come


class Ended(Exception):
    """The connection was cut or reset, on purpose."""


class Proxy:
    """Carries connections to `target` and back, on a thread of its own, until the end of `with`.

    Each connection has faults of its own, given by the seed and the connection's number. What comes
    in one chunk is up to the system, and so is what else has passed when a connection is cut.
    """

    def __init__(self, target: tuple[str, int], plan: Plan, seed: int):
        self.target, self.plan, self.seed = target, plan, seed
        self.faults: collections.Counter[str] = collections.Counter()
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self.address = self._listener.getsockname()[:2]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])

    def __enter__(self) -> "Proxy":
        self._stop = asyncio.Event()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()
        self._listener.close()

    async def _serve(self) -> None:
        carried: set[asyncio.Task] = set()
        accepting = asyncio.create_task(self._accept(carried))
        await self._stop.wait()
        accepting.cancel()
        for task in carried:
            task.cancel()
        await asyncio.gather(accepting, *carried, return_exceptions=True)

    async def _accept(self, carried: set[asyncio.Task]) -> None:
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            self.connections += 1
            task = asyncio.create_task(self._carry(client, self.connections))
            carried.add(task)
            task.add_done_callback(carried.discard)

    async def _carry(self, client: socket.socket, number: int) -> None:
        pumps: list[asyncio.Task] = []
        with client, socket.socket() as server:
            ends = [client, server]
            for end in ends:
                end.setblocking(False)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            fate = ""
            try:
                await self._loop.sock_connect(server, self.target)
                fates = self._fates(random.Random(f"{self.seed} {number}"))
                for its_fate, (source, sink) in zip(fates, (ends, ends[::-1])):
                    dice = random.Random(f"{self.seed} {number} {source is client}")
                    pumps.append(asyncio.create_task(self._pump(source, sink, its_fate, dice)))
                await asyncio.gather(*pumps)
            except Ended as ended:
                fate = str(ended)
            except OSError:
                pass  # one end went: the other follows
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)  # the loop forgets the ends
            if fate == "reset":
                for end in ends:
                    reset(end)

    def _fates(self, dice: random.Random) -> list[str]:
        """What ends a connection, in the direction to the server and back: in one at most."""
        kinds = [kind for kind in ("cut", "reset") if dice.random() < getattr(self.plan, kind)]
        fates = [dice.choice(kinds) if kinds else "", ""]
        dice.shuffle(fates)
        return fates

    async def _pump(
        self, source: socket.socket, sink: socket.socket, fate: str, dice: random.Random
    ) -> None:
        """One direction, to its end."""
        left = dice.randrange(self.plan.within)
        while data := await self._loop.sock_recv(source, CHUNK):
            data = await self._mistreat(data, source, dice)
            if fate and len(data) > left:
                await self._send(sink, data[:left], dice)
                self.faults[fate] += 1
                raise Ended(fate)
            left -= len(data)
            await self._send(sink, data, dice)
        sink.shutdown(socket.SHUT_WR)

    async def _mistreat(self, data: bytes, source: socket.socket, dice: random.Random) -> bytes:
        if dice.random() < self.plan.delay:
            self.faults["delay"] += 1
            await asyncio.sleep(dice.uniform(0, SHORT))  # plays a slow network
        if dice.random() < self.plan.join:
            await asyncio.sleep(SHORT)  # for more to come
            with contextlib.suppress(BlockingIOError):
                more = source.recv(CHUNK)
                self.faults["join"] += bool(more)  # at the end, the next reading finds it again
                data += more
        if dice.random() < self.plan.corrupt:
            self.faults["corrupt"] += 1
            digits = [place for place, byte in enumerate(data) if byte in b"0123456789"]
            place = dice.choice(digits if digits and dice.random() < 0.5 else range(len(data)))
            other = data[place] ^ 1 << dice.randrange(8)
            data = data[:place] + bytes([other]) + data[place + 1 :]
        return data

    async def _send(self, sink: socket.socket, data: bytes, dice: random.Random) -> None:
        step = len(data)
        if dice.random() < self.plan.split and len(data) > 1:
            self.faults["split"] += 1
            step = 1 + len(data) // PIECES
        for begin in range(0, len(data), max(1, step)):
            await self._loop.sock_sendall(sink, data[begin : begin + step])
