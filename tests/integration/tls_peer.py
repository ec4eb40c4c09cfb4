# SPDX-License-Identifier: Apache-2.0
"""tls_peer.py - the two ends of a link as far as the handshake, for certificates that no bridge would start with."""
import os
import socket
import ssl
import subprocess
import threading

ALPN = "mpreg-link/1"

AUTHORITY_CONFIG = """
[ca]
default_ca = small
[small]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[bridge]
subjectAltName = URI:spiffe://mpreg.test/federation/{federation}/bridge/{bridge}
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
basicConstraints = critical, CA:FALSE
"""


def make_expired(world, federation, bridge, out):
    """A certificate of the world's own authority that ran out in 2021: OUT.pem and OUT.key."""
    folder = world.path(f"{out}.authority")
    os.mkdir(folder)
    config = world.write(f"{out}.cnf", AUTHORITY_CONFIG.format(folder=folder, federation=federation, bridge=bridge))
    open(os.path.join(folder, "index.txt"), "w", encoding="utf-8").close()
    with open(os.path.join(folder, "serial"), "w", encoding="utf-8") as serial:
        serial.write("1000\n")
    request, key, certificate = (world.path(f"{out}.{kind}") for kind in ("csr", "key", "pem"))
    for command in (
            ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", f"/CN={bridge}", "-keyout", key, "-out", request],
            ["openssl", "ca", "-batch", "-notext", "-config", config, "-extensions", "bridge",
             "-cert", world.path("ca.pem"), "-keyfile", world.path("ca.key"), "-in", request, "-out", certificate,
             "-startdate", "20200101000000Z", "-enddate", "20210101000000Z"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command[:2])}: {done.stderr}")


def context(world, name, serves):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if serves else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_alpn_protocols([ALPN])
    made.load_cert_chain(world.path(f"{name}.pem"), world.path(f"{name}.key"))
    return made


def dial(world, port, name):
    """Handshake with a bridge's link port with NAME.pem; the alert it answers with, or the first bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.settimeout(10)
        try:
            with context(world, name, False).wrap_socket(plain) as secure:
                return secure.recv(4096)
        except (ssl.SSLError, OSError) as error:
            return error


class Server:
    """Accepts links with NAME.pem and says nothing after the handshake."""

    def __init__(self, world, port, name):
        self.context = context(world, name, True)
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("127.0.0.1", port))
        self.sock.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                plain, _ = self.sock.accept()
            except OSError:
                return
            plain.settimeout(10)
            try:
                with self.context.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(4096)
            except OSError:
                pass  # the alert is for the other side to tell

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
