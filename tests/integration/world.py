# SPDX-License-Identifier: Apache-2.0
"""world.py - real programs in a folder of their own: starts them, asks them, waits for what is to come, ends them.

A World ends every process that it started, whatever happens to the test. Nothing here sleeps for a fixed time: every
wait names what it waits for and how long at most.
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import mpreg

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
POLICIES = os.path.join(ROOT, "policies")
WORKER = os.path.join(HERE, "worker.py")

# What a recovery may take at most. Sanitizers and a busy machine are slow; a test never measures.
PATIENCE_SECONDS = float(os.environ.get("INTEGRATION_PATIENCE", "30"))


def programs_folder():
    return os.environ["INTEGRATION_PROGRAMS"]


def program(name):
    return os.path.join(programs_folder(), name)


class TookTooLong(AssertionError):
    pass


class NotYet(Exception):
    """What a probe saw instead: it is asked again, and a wait that ends tells this."""


def await_that(what, probe, seconds=None):
    """probe()'s first result that is true. Exceptions of the network count as not yet."""
    deadline = time.monotonic() + (seconds or PATIENCE_SECONDS)
    seen = None
    while True:
        try:
            seen = probe()
            if seen:
                return seen
        except (NotYet, OSError, urllib.error.URLError) as error:
            seen = error
        if time.monotonic() > deadline:
            raise TookTooLong(f"not seen in time: {what}; last: {seen!r}")
        time.sleep(0.02)


taken_ports = set()


def free_port():
    """Below the range that outgoing connections are given, so that none of those takes it meanwhile."""
    while True:
        port = random.randrange(10240, 32000)
        if port in taken_ports:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        taken_ports.add(port)
        return port


class Process:
    """One program with its configuration. Its log, JSON lines, outlives restarts."""

    def __init__(self, world, name, program_name, config):
        self.world = world
        self.name = name
        self.program_name = program_name
        self.config_file = world.write(f"{name}.yaml", config)
        self.log_file = os.path.join(world.folder, f"{name}.log")
        self.popen = None
        self.started_at = 0

    def start(self):
        self.started_at = os.path.getsize(self.log_file) if os.path.exists(self.log_file) else 0
        with open(self.log_file, "ab") as log:
            self.popen = subprocess.Popen([program(self.program_name), "--config", self.config_file],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def is_running(self):
        return self.popen is not None and self.popen.poll() is None

    def kill(self):
        """As a machine that loses its power."""
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(PATIENCE_SECONDS)

    def stop(self):
        """As an operator; the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(PATIENCE_SECONDS)

    def end(self):
        if self.is_running():
            self.popen.terminate()
            try:
                self.popen.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def text(self):
        """What it printed since its last start."""
        with open(self.log_file, "rb") as log:
            log.seek(self.started_at)
            return log.read().decode(errors="replace")

    def facts(self, event, **fields):
        """Log lines of that event whose fields are these; a field may be a regular expression."""
        found = []
        for line in self.text().splitlines():
            try:
                fact = json.loads(line)
            except ValueError:
                continue
            if isinstance(fact, dict) and fact.get("event") == event and all(
                    key in fact and re.search(str(value), str(fact[key])) for key, value in fields.items()):
                found.append(fact)
        return found

    def await_fact(self, event, **fields):
        def probe():
            if not self.is_running() and not self.facts(event, **fields):
                raise AssertionError(f"{self.name} ended: {self.text()[-800:]}")
            return self.facts(event, **fields)
        return await_that(f"{self.name} says {event} {fields or ''}", probe)[0]


class Member(Process):
    """A node or a bridge."""

    def __init__(self, world, name, program_name, config, ports, scheme="ws"):
        super().__init__(world, name, program_name, config)
        port, admin_port = ports
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.admin_url = f"http://127.0.0.1:{admin_port}"
        self.tls = None  # what a client of it shows, when it speaks wss

    def get(self, path, headers=(), seconds=PATIENCE_SECONDS):
        request = urllib.request.Request(self.admin_url + path, headers=dict(headers))
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.read().decode()

    def get_json(self, path):
        return json.loads(self.get(path))

    def metric(self, name, **labels):
        """The sum of the samples that have these labels."""
        total = 0.0
        for line in self.get("/metrics").splitlines():
            match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if match and match[1] == name:
                has = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
                if all(has.get(key) == value for key, value in labels.items()):
                    total += float(match[3])
        return total

    def is_ready(self):
        try:
            self.get("/readyz")
            return True
        except urllib.error.HTTPError:
            return False

    def client(self):
        return mpreg.Client(self.url, self.tls)

    def call(self, function, *args, **kwargs):
        """One call as a client of its own."""
        with self.client() as client:
            return client.call(function, *args, **kwargs)

    def functions(self):
        """Names in its catalog: as its clients see them."""
        return {item["identity"]["name"] if "identity" in item else item["name"]
                for item in self.call("rpc_list")["items"]}

    def knows(self, name):
        return name in self.functions()

    def await_knows(self, *names):
        await_that(f"{self.name} knows {names}", lambda: set(names) <= self.functions())

    def await_forgets(self, *names):
        await_that(f"{self.name} forgets {names}", lambda: not set(names) & self.functions())

    def await_connected(self, others):
        """By either side: calls find their way."""
        urls = {other.url for other in others if other is not self}
        def probe():
            nodes = self.get_json("/v1/status")["cluster"]["nodes"]
            return urls <= {node["url"] for node in nodes if node["state"] == "up"}
        await_that(f"{self.name} is connected to {urls}", probe)

    def await_dialed(self, other):
        def probe():
            nodes = self.get_json("/v1/status")["cluster"]["nodes"]
            return any(node["url"] == other.url and node["dialed"] for node in nodes)
        await_that(f"{self.name} has dialed {other.name}", probe)


class Bridge(Member):
    def link(self, name):
        return next(link for link in self.get_json("/v1/links")["links"] if link["name"] == name)

    def await_link(self, name, state="up"):
        def probe():
            seen = self.link(name)["state"]
            if seen != state:
                raise NotYet(f"it is {seen}")
            return True
        await_that(f"{self.name}'s link {name} is {state}", probe)


class Watch:
    """mpregctl -o json that prints a line for each thing it sees, and goes on."""

    def __init__(self, *arguments):
        self.popen = subprocess.Popen([program("mpregctl"), "-o", "json", *arguments], stdout=subprocess.PIPE, text=True)
        self.timer = threading.Timer(PATIENCE_SECONDS, self.popen.kill)
        self.timer.start()

    def read(self):
        line = self.popen.stdout.readline()
        if not line:
            raise AssertionError(f"mpregctl ended, or said nothing for {PATIENCE_SECONDS} s")
        return json.loads(line)

    def close(self):
        self.timer.cancel()
        self.popen.kill()
        self.popen.wait()
        self.popen.stdout.close()


class World:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mpreg-test.")
        self.processes = []
        self.helpers = []

    def close(self):
        for helper in self.helpers:
            helper.close()
        for process in self.processes:
            if process.is_running():
                process.popen.terminate()
        for process in self.processes:
            process.end()
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def open_gate(self, name):
        """Calls of gate.pass that wait for path(name) are answered now."""
        self.write(name, "")

    def tell(self):
        """The end of every log, for a test that failed."""
        parts = []
        for process in self.processes:
            if os.path.exists(process.log_file):
                with open(process.log_file, encoding="utf-8", errors="replace") as log:
                    lines = log.read().splitlines()
                parts.append(f"---- {process.name}, {len(lines)} lines\n" + "\n".join(lines[-25:]))
        return "\n".join(parts)

    # ---- programs

    def node(self, name, cluster_id, port, seeds, functions=(), certificate=None):
        """functions: (name, tags) each; all run in one worker. certificate: the name of its files; it speaks wss."""
        admin_port = free_port()
        executed = self.path(f"{name}.executed")
        open(executed, "a", encoding="utf-8").close()
        worker = f"[{sys.executable}, {WORKER}, {executed}]"
        lines = [f"  - {{name: {function}, version: 1.0.0, exec: {worker}, tags: [{tags}]}}"
                 for function, tags in functions]
        scheme = "wss" if certificate else "ws"
        config = (f"node:\n  cluster_id: {cluster_id}\n  listen: {scheme}://127.0.0.1:{port}\n"
                  f"  seeds: [{', '.join(seeds)}]\n"
                  + (f"  tls: {{cert_file: {certificate}.pem, key_file: {certificate}.key, ca_file: ca.pem}}\n"
                     if certificate else "")
                  + ("functions:\n" + "\n".join(lines) + "\n" if lines else "")
                  + f'admin: {{listen: "127.0.0.1:{admin_port}"}}\nlog: {{format: json, level: debug}}\n')
        member = Member(self, name, "mpreg-node", config, (port, admin_port), scheme)
        member.executed_file = executed
        self.processes.append(member)
        return member

    def executed(self, member):
        """The functions that its worker was asked to run, in order."""
        return [function for function, _ in self.executed_calls(member)]

    def executed_calls(self, member):
        """The same, each with its arguments."""
        with open(member.executed_file, encoding="utf-8") as file:
            lines = [line.split(" ", 1) for line in file.read().split("\n")[:-1]]  # the last one may not be whole
        return [(function, json.loads(arguments)) for function, arguments in lines]

    def bridge(self, name, federation, port, seeds, links, link_port=None, policies=(), certificate=None, token_file=None,
               more=""):
        """links: YAML of each; certificate: the name of its files, else the bridge's; token_file: for changes; more: lines."""
        admin_port = free_port()
        certificate = certificate or name
        config = (f"bridge: {{name: {name}, federation: {federation}}}\n"
                  f"cluster:\n  cluster_id: {federation}\n  listen: ws://127.0.0.1:{port}\n"
                  f"  seeds: [{', '.join(seeds)}]\n"
                  f"tls: {{cert_file: {certificate}.pem, key_file: {certificate}.key, ca_file: ca.pem}}\n"
                  + (f'link_listen: "127.0.0.1:{link_port}"\n' if link_port else "")
                  + "links:\n" + "".join(f"  - {link}\n" for link in links)
                  + (f"policies: [{', '.join(policies)}]\n" if policies else "")
                  + f'keepalive: 500ms\nadmin: {{listen: "127.0.0.1:{admin_port}"'
                  + (f", token_file: {token_file}" if token_file else "") + "}\n"
                  + "log: {format: json, level: debug}\n" + more)
        bridge = Bridge(self, name, "mpreg-bridge", config, (port, admin_port))
        self.processes.append(bridge)
        return bridge

    # ---- mpregctl

    def ctl(self, *arguments, **environment):
        return subprocess.run([program("mpregctl"), *arguments], capture_output=True, text=True,
                              timeout=PATIENCE_SECONDS, check=False, env={**os.environ, **environment})

    def ctl_ok(self, *arguments):
        done = self.ctl(*arguments)
        if done.returncode != 0:
            raise AssertionError(f"mpregctl {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def make_authority(self, folder=None, name="mpreg tests"):
        self.ctl_ok("cert", "ca", "--out", folder or self.folder, "--name", name)

    def make_certificate(self, federation, bridge, out=None, authority=None):
        self.ctl_ok("cert", "issue", "--ca", authority or self.folder, "--federation", federation, "--bridge", bridge,
                    "--ip", "127.0.0.1", "--out", self.path(out or bridge))


class Federations(World):
    """A world that begins whole. A subclass says who is in it, _describe(), and what it is when whole, await_whole()."""

    def __init__(self, starts=True):
        super().__init__()
        try:
            self._describe()
            if starts:
                self.start()
        except BaseException:
            sys.stderr.write(self.tell() + "\n")
            self.close()
            raise

    def start(self):
        for process in self.processes:
            process.start()
        for process in self.processes:
            process.await_fact("bridge.ready" if process.program_name == "mpreg-bridge" else "node.ready")
        self.await_whole()

    def federation(self, name, functions, links, policies, link_port=None, more=""):
        """A node and a bridge of that name; the bridge has a certificate. more: lines of its configuration."""
        bridge_name = f"{name}-1"
        self.make_certificate(name, bridge_name)
        node = self.node(f"{name}-node", name, free_port(), [], functions)
        return node, self.bridge(bridge_name, name, free_port(), [node.url], links, link_port=link_port,
                                 policies=policies, more=more)


class TwoFederations(Federations):
    """us: two nodes and bridge us-1, which dials; eu: two nodes and bridge eu-1, which accepts."""

    US_1 = (("math.add", "public"), ("math.square", "public"), ("slow.echo", "public"), ("gate.pass", "public"), ("fail.now", "public"),
            ("worker.pid", "public"), ("data.make", "public"))
    US_2 = (("math.add", "public"), ("vault.open", "internal"), ("only.here", "public"))
    EU_1 = (("text.upper", "public"), ("text.reverse", "public"), ("slow.echo", "public"),
            ("gate.pass", "public"))
    EU_2 = (("text.upper", "public"), ("hr.salary", "internal"), ("only.here", "public"))

    def _describe(self):
        self.make_authority()
        self.make_certificate("us", "us-1")
        self.make_certificate("eu", "eu-1")
        us_ports = [free_port() for _ in range(3)]
        eu_ports = [free_port() for _ in range(3)]
        self.eu_link_port = free_port()
        us_urls = [f"ws://127.0.0.1:{port}" for port in us_ports[1:]]
        eu_urls = [f"ws://127.0.0.1:{port}" for port in eu_ports[1:]]
        self.us_node_1 = self.node("us-node-1", "us", us_ports[1], us_urls[1:], self.US_1)
        self.us_node_2 = self.node("us-node-2", "us", us_ports[2], us_urls[:1], self.US_2)
        self.eu_node_1 = self.node("eu-node-1", "eu", eu_ports[1], eu_urls[1:], self.EU_1)
        self.eu_node_2 = self.node("eu-node-2", "eu", eu_ports[2], eu_urls[:1], self.EU_2)
        self.us_bridge = self.bridge(
            "us-1", "us", us_ports[0], us_urls,
            [f'{{name: eu, federation: eu, connect: ["127.0.0.1:{self.eu_link_port}"]}}'],
            policies=[os.path.join(POLICIES, "us-eu.yaml")])
        self.eu_bridge = self.bridge(
            "eu-1", "eu", eu_ports[0], eu_urls, ["{name: us, federation: us, accept: true}"],
            link_port=self.eu_link_port, policies=[os.path.join(POLICIES, "eu-us.yaml")])

    def await_whole(self):
        """Everything is up and connected, and each federation sees what the other one exports."""
        self.us_bridge.await_link("eu")
        self.eu_bridge.await_link("us")
        for node in (self.us_node_1, self.us_node_2):
            node.await_knows("eu.text.upper", "eu.text.reverse", "eu.only.here")
        for node in (self.eu_node_1, self.eu_node_2):
            node.await_knows("us.math.add", "us.math.square", "us.only.here")
        for cluster in ((self.us_node_1, self.us_node_2, self.us_bridge), (self.eu_node_1, self.eu_node_2, self.eu_bridge)):
            for member in cluster:
                member.await_connected(cluster)


class ThreeFederations(Federations):
    """us, eu and ap by policies/transit: a node and a bridge each. us-1 and ap-1 dial eu-1, and know each other by it."""

    US = (("math.add", "public, worldwide"), ("math.square", "public"), ("vault.open", "public, worldwide, internal"))
    EU = (("text.upper", "public"), ("hr.salary", "internal"))
    AP = (("text.reverse", "public, worldwide"),)

    def _describe(self):
        self.make_authority()
        link_port = free_port()
        dials_eu = f'{{name: eu, federation: eu, connect: ["127.0.0.1:{link_port}"]}}'
        policies = {name: os.path.join(POLICIES, "transit", f"{name}.yaml") for name in ("us-eu", "eu-us", "eu-ap", "ap-eu")}
        self.us_node, self.us_bridge = self.federation("us", self.US, [dials_eu], [policies["us-eu"]])
        self.ap_node, self.ap_bridge = self.federation("ap", self.AP, [dials_eu], [policies["ap-eu"]])
        self.eu_node, self.eu_bridge = self.federation(
            "eu", self.EU, [f"{{name: {name}, federation: {name}, accept: true}}" for name in ("us", "ap")],
            [policies["eu-us"], policies["eu-ap"]], link_port)

    def await_whole(self):
        self.eu_bridge.await_link("us")
        self.eu_bridge.await_link("ap")
        self.us_node.await_knows("eu.text.upper")
        self.eu_node.await_knows("us.math.add", "us.math.square", "ap.text.reverse")
        self.ap_node.await_knows("us.math.add", "eu.text.upper")
