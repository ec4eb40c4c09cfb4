# SPDX-License-Identifier: Apache-2.0
"""ws.py - WebSocket with bare sockets, for peers that misbehave as no library would let them.

Connection is one end, client or server; every wait has a deadline. Pings are answered while something is awaited.
"""
import base64
import hashlib
import json
import os
import socket
import struct
import threading
import time

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
WAIT_SECONDS = 10


def apply_mask(payload, mask):
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


class Closed(Exception):
    """The far side closed; code 1006: without saying why."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed {code} {reason!r}")
        self.code = code
        self.reason = reason


class Silent(Exception):
    """Nothing came before the deadline."""


class Connection:
    def __init__(self, sock, masks, rest=b""):
        self.sock = sock
        self.masks = masks
        self.buffer = bytearray(rest)
        self.parts = bytearray()
        self.write_lock = threading.Lock()

    # ---- sending

    def send(self, message):
        """One JSON document as a binary message, as the reference sends it."""
        self.send_frame(BINARY, json.dumps(message).encode())

    def send_frame(self, opcode, payload=b"", final=True):
        size = len(payload)
        head = bytearray([(0x80 if final else 0) | opcode])
        mask_bit = 0x80 if self.masks else 0
        if size < 126:
            head.append(mask_bit | size)
        elif size < 65536:
            head += bytes([mask_bit | 126]) + struct.pack(">H", size)
        else:
            head += bytes([mask_bit | 127]) + struct.pack(">Q", size)
        if self.masks:
            mask = os.urandom(4)
            payload = apply_mask(payload, mask)
            head += mask
        with self.write_lock:
            self.sock.sendall(bytes(head) + payload)

    def close(self):
        try:
            self.send_frame(CLOSE, struct.pack(">H", 1000))
        except OSError:
            pass
        self.sock.close()

    def abort(self):
        """As a process that is killed: no close frame."""
        self.sock.close()

    # ---- receiving

    def receive(self, seconds=WAIT_SECONDS):
        """The next message as JSON. Closed or Silent are raised."""
        deadline = time.monotonic() + seconds
        while True:
            opcode, final, payload = self._frame(deadline)
            if opcode == PING:
                self.send_frame(PONG, payload)
            elif opcode == CLOSE:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
                raise Closed(code, payload[2:].decode())
            elif opcode != PONG:
                self.parts += payload
                if final:
                    message = json.loads(self.parts)
                    self.parts.clear()
                    return message

    def receive_until(self, wanted, seconds=WAIT_SECONDS):
        """The next message for which wanted(message); those before it are dropped."""
        deadline = time.monotonic() + seconds
        while True:
            message = self.receive(max(0.0, deadline - time.monotonic()))
            if wanted(message):
                return message

    def receive_close(self, seconds=WAIT_SECONDS):
        """What came before the far side closed, and how it closed."""
        messages = []
        deadline = time.monotonic() + seconds
        try:
            while True:
                messages.append(self.receive(max(0.0, deadline - time.monotonic())))
        except Closed as closed:
            return messages, closed

    def _frame(self, deadline):
        """Takes a whole frame or, when the deadline comes first, nothing."""
        self._await(2, deadline)
        size = self.buffer[1] & 0x7F
        at = 2
        if size >= 126:
            wide = 2 if size == 126 else 8
            self._await(at + wide, deadline)
            size = int.from_bytes(self.buffer[at:at + wide], "big")
            at += wide
        masked = bool(self.buffer[1] & 0x80)
        mask_at = at
        at += 4 if masked else 0
        self._await(at + size, deadline)
        payload = bytes(self.buffer[at:at + size])
        if masked:
            payload = apply_mask(payload, bytes(self.buffer[mask_at:at]))
        opcode, final = self.buffer[0] & 0x0F, bool(self.buffer[0] & 0x80)
        del self.buffer[:at + size]
        return opcode, final, payload

    def _await(self, size, deadline):
        while len(self.buffer) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Silent("nothing came in time")
            self.sock.settimeout(left)
            try:
                received = self.sock.recv(65536)
            except TimeoutError:
                raise Silent("nothing came in time") from None
            except OSError as error:
                raise Closed(1006, str(error)) from None
            if not received:
                raise Closed(1006)
            self.buffer += received


def read_head(sock):
    head = bytearray()
    while b"\r\n\r\n" not in head:
        received = sock.recv(4096)
        if not received:
            raise Closed(1006, "no answer to the upgrade")
        head += received
    text, _, rest = bytes(head).partition(b"\r\n\r\n")
    return text.decode("latin-1"), rest


def accept_key(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def connect(url, tls=None, seconds=WAIT_SECONDS):
    """Dial ws://HOST:PORT or, with an SSLContext, wss://HOST:PORT."""
    address = url.split("//")[1]
    host, port = address.rsplit(":", 1)
    sock = socket.create_connection((host, int(port)), timeout=seconds)
    if tls:
        sock = tls.wrap_socket(sock, server_hostname=host)
    sock.settimeout(seconds)
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall((f"GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    head, rest = read_head(sock)
    if " 101 " not in head.split("\r\n")[0] or accept_key(key) not in head:
        raise Closed(1006, head.split("\r\n")[0])
    return Connection(sock, masks=True, rest=rest)


class Listener:
    """Accepts on a port of 127.0.0.1; each connection is handed to `welcome` on a thread of its own."""

    def __init__(self, port, welcome):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("127.0.0.1", port))
        self.sock.listen()
        self.welcome = welcome
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=(sock,), daemon=True).start()

    def _greet(self, sock):
        sock.settimeout(WAIT_SECONDS)
        try:
            head, rest = read_head(sock)
            key = next(line.split(":", 1)[1].strip() for line in head.split("\r\n")
                       if line.lower().startswith("sec-websocket-key:"))
            sock.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n").encode())
        except (OSError, Closed, StopIteration):
            sock.close()
            return
        self.welcome(Connection(sock, masks=False, rest=rest))

    def close(self):
        # A blocked accept() is woken by shutdown, not by close.
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
