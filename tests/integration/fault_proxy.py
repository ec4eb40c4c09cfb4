# SPDX-License-Identifier: Apache-2.0
"""fault_proxy.py - a wire between two processes that a test can cut, or let go dead without a word.

fault_proxy.py PORT TARGET_PORT - a process of its own, so that a busy test is no slow wire. It reads one command a line,
the names of Wire's methods, and answers each with a line `ok` once it is done; it ends with its standard input.
"""
import asyncio
import socket
import struct
import subprocess
import sys

CHUNK = 64 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger


class Proxy:
    """Whoever connects to `port` is connected to `target_port`. Each method returns once it is so."""

    def __init__(self, port, target_port):
        self.popen = subprocess.Popen([sys.executable, __file__, str(port), str(target_port)], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._await_ok()

    def cut(self):
        """Both ends of every connection are reset, and what was under way is lost. New connections are let through."""
        self._do("cut")

    def break_off(self):
        """The same, and new connections are reset, too, until mend()."""
        self._do("break_off")

    def mend(self):
        self._do("mend")

    def stall(self):
        """Nothing comes through any more, either way, and nobody is told. Connections can be opened."""
        self._do("stall")

    def go_on(self):
        self._do("go_on")

    def close(self):
        self.popen.communicate(timeout=30)

    def _do(self, command):
        self.popen.stdin.write(f"{command}\n")
        self.popen.stdin.flush()
        self._await_ok()

    def _await_ok(self):
        line = self.popen.stdout.readline()
        if line != "ok\n":
            raise AssertionError(f"the proxy ended, or said {line!r}")


class Wire:
    """The proxy's process: its connections, and what each command does to them."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.transports = set()
        self.is_broken = False
        self.flows = asyncio.Event()
        self.flows.set()

    def cut(self):
        for transport in self.transports:
            self._reset(transport)
        self.transports.clear()

    def break_off(self):
        self.is_broken = True
        self.cut()

    def mend(self):
        self.is_broken = False

    def stall(self):
        self.flows.clear()

    def go_on(self):
        self.flows.set()

    def _reset(self, transport):
        if transport.is_closing():
            return
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()

    async def connect(self, reader, writer):
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


async def serve(port, target_port):
    wire = Wire(target_port)
    server = await asyncio.start_server(wire.connect, "127.0.0.1", port)
    print("ok", flush=True)
    while command := (await asyncio.to_thread(sys.stdin.readline)).strip():
        getattr(wire, command)()
        print("ok", flush=True)
    server.close()
    wire.break_off()
    wire.go_on()
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(serve(*(int(argument) for argument in sys.argv[1:])))
