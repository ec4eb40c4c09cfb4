# SPDX-License-Identifier: Apache-2.0
"""fault_proxy.py - a wire between two processes that a test can cut, or let go dead without a word."""
import asyncio
import socket
import struct
import threading

CHUNK = 64 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger


class Proxy:
    """Whoever connects to `port` is connected to `target_port`. It runs in a thread of its own."""

    def __init__(self, port, target_port):
        self.target_port = target_port
        self.transports = set()
        self.is_broken = False
        self.loop = asyncio.new_event_loop()
        self.flows = asyncio.Event()
        self.flows.set()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self._run(asyncio.start_server(self._connect, "127.0.0.1", port))

    def cut(self):
        """Both ends of every connection are reset, and what was under way is lost. New connections are let through."""
        self._run(self._cut())

    def break_off(self):
        """The same, and new connections are reset, too, until mend()."""
        self.is_broken = True
        self.cut()

    def mend(self):
        self.is_broken = False

    def stall(self):
        """Nothing comes through any more, either way, and nobody is told. Connections can be opened."""
        self._do(self.flows.clear)

    def go_on(self):
        self._do(self.flows.set)

    def close(self):
        self._run(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def _do(self, function):
        async def run():
            function()
        self._run(run())

    async def _cut(self):
        for transport in self.transports:
            self._reset(transport)
        self.transports.clear()

    async def _close(self):
        self.server.close()
        self.is_broken = True
        self.flows.set()
        await self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def _reset(self, transport):
        if transport.is_closing():
            return
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()

    async def _connect(self, reader, writer):
        self.transports.add(writer.transport)
        try:
            if not self.is_broken:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
                self.transports.add(far_writer.transport)
                try:
                    await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
                finally:
                    self._reset(far_writer.transport)
                    self.transports.discard(far_writer.transport)
        except OSError:
            pass  # one of them is gone, and so is the other then
        finally:
            self._reset(writer.transport)
            self.transports.discard(writer.transport)

    async def _copy(self, reader, writer):
        while True:
            data = await reader.read(CHUNK)
            await self.flows.wait()
            if not data:
                raise ConnectionError("the end of one is the end of both")
            writer.write(data)
            await writer.drain()
