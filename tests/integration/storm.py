# SPDX-License-Identifier: Apache-2.0
"""storm.py - hundreds of bridges that dial one, as far as the greeting (docs/link-protocol.md).

Each dials for ever, as a bridge does: after a random pause that grows, and not before it was asked to. What becomes of it
is its state: dialing, up (both have said HELLO), or refused (the other side has said why).
"""
import asyncio
import random
import ssl
import struct
import threading

import tls_peer

READY = bytes(8)
HELLO, END_OF_SYNC, ERROR = 1, 4, 11
KEEPALIVE_NS = 60 * 10**9  # so that silence is no fault while the test lasts


def field(tag, value):
    return struct.pack(">BI", tag, len(value)) + value


def frame(kind, payload):
    return struct.pack(">IBBH", len(payload), kind, 0, 0) + payload


def fields_of(payload):
    found = {}
    while payload:
        tag, size = struct.unpack(">BI", payload[:5])
        found[tag] = payload[5:5 + size]
        payload = payload[5 + size:]
    return found


def greeting(federation, bridge):
    def number(tag, size, value):
        return field(tag, value.to_bytes(size, "big"))
    hello = (number(1, 4, 1) + number(2, 4, 1) + field(4, federation.encode()) + field(5, bridge.encode())
             + number(6, 8, random.getrandbits(64)) + number(7, 8, random.getrandbits(64)) + number(9, 8, KEEPALIVE_NS))
    return frame(HELLO, hello) + frame(END_OF_SYNC, number(1, 8, 1))


class Dialer:
    def __init__(self, storm, federation, bridge):
        self.storm = storm
        self.federation = federation
        self.bridge = bridge
        self.state = "dialing"
        self.said = ""          # by the other side, when it refused
        self.retry_after = 0.0  # seconds
        self.task = None

    async def live(self):
        pause = 0.1
        while True:
            self.state = "dialing"
            asked = 0.0
            try:
                asked = await self._session()
            except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
                self.storm.broken += 1
            pause = random.uniform(0.1, min(1.0, 3 * pause))
            await asyncio.sleep(max(pause, asked * random.uniform(1, 1.5)))

    async def _session(self):
        """One connection to its end; the pause that was asked for."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.storm.port, ssl=self.storm.context(self.bridge))
        try:
            writer.write(READY)
            if await reader.readexactly(8) != READY:
                raise ConnectionError("refused before READY")
            writer.write(greeting(self.federation, self.bridge))
            while True:
                size, kind = struct.unpack(">IBxxx", await reader.readexactly(8))
                payload = await reader.readexactly(size)
                if kind == HELLO:
                    self.state = "up"
                elif kind == ERROR:
                    said = fields_of(payload)
                    self.said = said.get(2, b"").decode()
                    self.retry_after = int.from_bytes(said.get(3, b""), "big") / 1e9
                    self.state = "refused"
                    return self.retry_after
        finally:
            writer.transport.abort()


class Storm:
    """The dialers and the loop that they run on, in a thread of its own."""

    def __init__(self, world, port, bridges):
        """bridges: (federation, bridge) of each; the certificate has the bridge's name."""
        self.world = world
        self.port = port
        self.broken = 0  # dials that ended without a word
        self.contexts = {}
        self.dialers = [Dialer(self, federation, bridge) for federation, bridge in bridges]
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def context(self, bridge):
        if bridge not in self.contexts:
            self.contexts[bridge] = tls_peer.context(self.world, bridge, False)
        return self.contexts[bridge]

    def count(self, state):
        return sum(dialer.state == state for dialer in self.dialers)

    def refused(self):
        return [dialer for dialer in self.dialers if dialer.state == "refused"]

    def dial(self):
        """All of them, now and at once; whoever is connected begins anew."""
        self._run(self._dial())

    def hang_up(self):
        self._run(self._hang_up())

    def close(self):
        self.hang_up()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _run(self, coroutine):
        asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    async def _dial(self):
        await self._hang_up()
        for dialer in self.dialers:
            dialer.task = asyncio.ensure_future(dialer.live())

    async def _hang_up(self):
        tasks = [dialer.task for dialer in self.dialers if dialer.task]
        for dialer in self.dialers:
            dialer.task = None
            dialer.state = "dialing"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
