# SPDX-License-Identifier: Apache-2.0
"""mpreg.py - MPREG's messages as a client and as a server of the reference implementation send them.

FakeServer stands for an unchanged server: it does what the minimal compatible peer has to do, and decides what it
believes as the reference does, by gossip alone.
"""
import itertools
import threading
import time
import uuid

import ws

numbers = itertools.count(1)


def unique():
    return f"u{next(numbers)}-{uuid.uuid4().hex[:8]}"


class CallError(Exception):
    def __init__(self, error):
        super().__init__(str(error))
        self.code = error["code"]
        self.message = error["message"]
        self.details = error.get("details")


# ---- messages

def status(url, cluster_id, instance_id="", **more):
    return {"role": "server", "u": unique(), "server": {
        "what": "STATUS", "server_url": url, "cluster_id": cluster_id, "instance_id": instance_id,
        "timestamp": time.time(), "status": "ok", "active_clients": 1, "peer_count": 0, "funs": [], "locs": [],
        "function_catalog": [], "advertised_urls": [url], "metrics": {}, **more}}


def goodbye(url, cluster_id, instance_id="", reason="graceful_shutdown"):
    return {"role": "server", "u": unique(), "server": {
        "what": "GOODBYE", "departing_node_url": url, "cluster_id": cluster_id, "reason": reason,
        "instance_id": instance_id, "timestamp": time.time()}}


def endpoint(name, url, cluster_id, tags=("public",), version="1.0.0"):
    return {"identity": {"name": name, "function_id": name, "version": version}, "node_id": url,
            "cluster_id": cluster_id, "resources": [], "tags": list(tags), "scope": "zone",
            "advertised_at": time.time(), "ttl_seconds": 120.0}


def describe_node(url, cluster_id):
    host, port = url.split("//")[1].rsplit(":", 1)
    return {"node_id": url, "cluster_id": cluster_id, "resources": [], "capabilities": ["rpc"], "tags": [],
            "scope": "zone", "advertised_at": time.time(), "ttl_seconds": 120.0,
            "transport_endpoints": [{"connection_type": "internal", "protocol": "ws", "host": host,
                                     "port": int(port), "endpoint": url}]}


def gossip(url, cluster_id, **delta):
    sequence = next(numbers)
    return {"role": "fabric-gossip", "payload": {
        "message_id": f"{url}:{uuid.uuid4()}", "message_type": "catalog_update", "sender_id": url,
        "vector_clock": {url: sequence}, "sequence_number": sequence, "ttl": 10, "hop_count": 0, "max_hops": 5,
        "created_at": time.time(), "expires_at": time.time() + 300, "propagation_path": [], "seen_by": [],
        "payload": {"update_id": unique(), "cluster_id": cluster_id, "sent_at": time.time(), **delta}}}


def request(url, cluster_id, function, args=(), kwargs=None, target_node=None, request_id=None):
    request_id = request_id or str(uuid.uuid4())
    return {"role": "fabric-message", "payload": {
        "message_id": request_id, "topic": f"mpreg.rpc.execute.{function}", "message_type": "rpc",
        "delivery": "at_least_once", "timestamp": time.time(),
        "headers": {"correlation_id": request_id, "source_cluster": cluster_id, "target_cluster": cluster_id,
                    "routing_path": [url], "federation_path": [], "hop_budget": 5, "priority": "normal",
                    "metadata": {}},
        "payload": {"kind": "rpc-request", "request_id": request_id, "command": function, "args": list(args),
                    "kwargs": kwargs or {}, "resources": [], "function_id": None, "version_constraint": None,
                    "target_cluster": cluster_id, "target_node": target_node, "reply_to": url,
                    "federation_path": [], "federation_remaining_hops": None}}}


def response(url, cluster_id, asked, success, result=None, error=None):
    payload, headers = asked["payload"], asked["headers"]
    request_id = payload["request_id"]
    return {"role": "fabric-message", "payload": {
        "message_id": request_id, "topic": "mpreg.rpc.response", "message_type": "rpc",
        "delivery": "at_least_once", "timestamp": time.time(),
        "headers": {"correlation_id": request_id, "source_cluster": cluster_id,
                    "target_cluster": headers.get("source_cluster"), "routing_path": [url],
                    "federation_path": [cluster_id], "hop_budget": 5, "priority": "normal", "metadata": {}},
        "payload": {"kind": "rpc-response", "request_id": request_id, "success": success, "result": result,
                    "error": error, "responder": url, "reply_to": payload.get("reply_to"),
                    "reply_cluster": headers.get("source_cluster"),
                    "routing_path": headers.get("routing_path", []) + [url]}}}


def is_response_to(request_id):
    return lambda message: (message.get("role") == "fabric-message"
                            and message["payload"]["payload"].get("kind") == "rpc-response"
                            and message["payload"]["payload"]["request_id"] == request_id)


# ---- a client

class Client:
    """One connection with any number of requests under way; answers are matched by their `u`."""

    def __init__(self, url, tls=None):
        self.connection = ws.connect(url, tls)
        self.answers = {}

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.connection.close()

    def begin(self, commands, **options):
        """Send a request; what finish() takes."""
        u = unique()
        self.connection.send({"role": "rpc", "cmds": commands, "u": u, **options})
        return u

    def finish(self, u, seconds=40):
        """The whole answer to it."""
        deadline = time.monotonic() + seconds
        while u not in self.answers:
            message = self.connection.receive(max(0.0, deadline - time.monotonic()))
            self.answers[message.get("u")] = message
        return self.answers.pop(u)

    def next_answer(self, seconds=40):
        """Whatever is answered next."""
        return self.connection.receive(seconds)

    def ask(self, commands, **options):
        answer = self.finish(self.begin(commands, **options))
        if answer.get("error"):
            raise CallError(answer["error"])
        return answer["r"]

    def begin_call(self, function, *args, **kwargs):
        return self.begin([{"name": "result_of_call", "fun": function, "args": list(args), "kwargs": kwargs}])

    def call(self, function, *args, **kwargs):
        answer = self.finish(self.begin_call(function, *args, **kwargs))
        if answer.get("error"):
            raise CallError(answer["error"])
        return answer["r"]["result_of_call"]


# ---- a server

class FakeServer:
    """Listens, dials its seeds and every node that describes itself, believes gossip, serves and calls functions.

    Whom it has to call before it has dialed it, it opens a connection to that it never reads, and from then on says
    everything there, as the reference does. So that a test can rely on it, that is every node in `quick_calls`.
    """

    def __init__(self, cluster_id, port, functions=None, quick_calls=()):
        """functions: name -> (tags, what it does)."""
        self.url = f"ws://127.0.0.1:{port}"
        self.cluster_id = cluster_id
        self.instance_id = uuid.uuid4().hex
        self.functions = functions or {}
        self.changed = threading.Condition()
        self.closing = threading.Event()
        self.quick_calls = set(quick_calls)
        self.dialed = {}      # node -> the connection that we dialed
        self.unread = {}      # node -> the connection that a call was opened for
        self.accepted = []
        self.dialing = set()
        self.statuses = {}    # node -> its STATUS
        self.catalog = {}     # (node, name) -> endpoint
        self.nodes = {}       # node -> its descriptor
        self.answers = {}     # request_id -> rpc-response payload
        self.closed = []      # how connections ended
        self.listener = ws.Listener(port, self._welcome)
        threading.Thread(target=self._tick, daemon=True).start()

    def close(self):
        self.closing.set()
        self.listener.close()
        with self.changed:
            connections = [*self.dialed.values(), *self.unread.values(), *self.accepted]
        for connection in connections:
            connection.abort()

    def await_that(self, what, probe, seconds=30):
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                seen = probe()
                if seen:
                    return seen
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"a server of cluster {self.cluster_id} did not see {what} in time")
                self.changed.wait(left)

    # ---- what it does by itself

    def dial(self, url):
        with self.changed:
            if url == self.url or url in self.dialed or url in self.dialing or url in self.quick_calls:
                return
            self.dialing.add(url)
        try:
            connection = ws.connect(url)
            connection.send(status(self.url, self.cluster_id, self.instance_id))
            connection.send(self.snapshot())
        except (OSError, ws.Closed):
            return
        finally:
            with self.changed:
                self.dialing.discard(url)
        with self.changed:
            self.dialed[url] = connection
            self.changed.notify_all()
        self._end_if_closing(connection)
        threading.Thread(target=self._read, args=(connection, url), daemon=True).start()

    def snapshot(self):
        return gossip(self.url, self.cluster_id, nodes=[describe_node(self.url, self.cluster_id)],
                      functions=[endpoint(name, self.url, self.cluster_id, tags)
                                 for name, (tags, _) in self.functions.items()])

    def _welcome(self, connection):
        with self.changed:
            self.accepted.append(connection)
        self._end_if_closing(connection)
        self._read(connection, None)

    def _end_if_closing(self, connection):
        """close() does not see what comes to be after it has looked."""
        if self.closing.is_set():
            connection.abort()

    def _tick(self):
        while not self.closing.wait(5):
            for connection in self.own_connections():
                self._send(connection, status(self.url, self.cluster_id, self.instance_id))
                self._send(connection, self.snapshot())

    def own_connections(self):
        with self.changed:
            return [*self.dialed.values(), *self.unread.values()]

    def _way_to(self, node):
        """Its own connection to the node, or None; of what the node dialed it makes no use for that."""
        with self.changed:
            return self.unread.get(node) or self.dialed.get(node)

    def _open_unread(self, node):
        connection = ws.connect(node)
        with self.changed:
            self.unread[node] = connection
        return connection

    def _send(self, connection, message):
        try:
            connection.send(message)
        except OSError:
            pass  # its reader sees the end, too

    def _read(self, connection, dialed_url):
        try:
            while not self.closing.is_set():
                try:
                    self._hear(connection, connection.receive(1), dialed_url)
                except ws.Silent:
                    pass
        except (ws.Closed, OSError) as error:
            with self.changed:
                self.closed.append((dialed_url, str(error)))
                if dialed_url and self.dialed.get(dialed_url) is connection:
                    del self.dialed[dialed_url]
                self.changed.notify_all()

    def _hear(self, connection, message, dialed_url):
        role = message.get("role")
        if role == "server":
            body = message["server"]
            if body["what"] == "STATUS":
                with self.changed:
                    self.statuses[body["server_url"]] = body
                    self.changed.notify_all()
                if not dialed_url:
                    self._send(connection, status(self.url, self.cluster_id, self.instance_id))
                    self._send(connection, {"r": "STATUS", "error": None, "u": message["u"]})
            else:
                self._send(connection, {"r": "GOODBYE_PROCESSED", "error": None, "u": message["u"]})
        elif role == "fabric-gossip":
            self._believe(message["payload"].get("payload") or {})
        elif role == "fabric-message":
            self._serve(connection, message["payload"])

    def _believe(self, delta):
        with self.changed:
            for key in delta.get("function_removals", []):
                self.catalog.pop((key["node_id"], key["identity"]["name"]), None)
            for key in delta.get("node_removals", []):
                self.nodes.pop(key["node_id"], None)
            for entry in delta.get("functions", []):
                self.catalog[entry["node_id"], entry["identity"]["name"]] = entry
            for node in delta.get("nodes", []):
                self.nodes[node["node_id"]] = node
            self.changed.notify_all()
            found = list(self.nodes)
        for url in found:
            threading.Thread(target=self.dial, args=(url,), daemon=True).start()

    def _serve(self, connection, message):
        payload = message["payload"]
        if payload.get("kind") == "rpc-response":
            with self.changed:
                self.answers[payload["request_id"]] = payload
                self.changed.notify_all()
            return
        try:
            _, function = self.functions[payload["command"]]
            answer = response(self.url, self.cluster_id, message, True, function(*payload["args"], **payload["kwargs"]))
        except Exception as error:  # what a function raises is the caller's answer
            answer = response(self.url, self.cluster_id, message, False, error={
                "error": str(error), "command": payload["command"], "error_type": type(error).__name__})
        # The reference prefers its own connection to the node that called.
        self._send(self._way_to(message["headers"]["routing_path"][-1]) or connection, answer)

    # ---- what it is asked to do

    def offer(self, name, tags, function):
        """Another function, told at once to everybody."""
        self.functions[name] = (tags, function)
        for connection in self.own_connections():
            self._send(connection, self.snapshot())

    def await_dialed(self, node):
        self.await_that(f"its own connection to {node}", lambda: node in self.dialed)

    def say_goodbye(self):
        """On every connection of its own: a node that has none yet does not hear it, and has to be awaited before."""
        for connection in self.own_connections():
            self._send(connection, goodbye(self.url, self.cluster_id, self.instance_id))

    def providers(self, name):
        with self.changed:
            return sorted(node for node, function in self.catalog if function == name)

    def await_function(self, name):
        """Sees it, and has dialed a node that serves it, or would open a connection to call it."""
        return self.await_that(name, lambda: next(
            (node for node, function in self.catalog
             if function == name and (node in self.dialed or node in self.quick_calls)), None))

    def call(self, name, *args, seconds=30):
        """As for a client of its own: the rpc-response's payload."""
        node = self.await_function(name)
        message = request(self.url, self.cluster_id, name, args, target_node=node)
        request_id = message["payload"]["message_id"]
        (self._way_to(node) or self._open_unread(node)).send(message)
        return self.await_that(f"the answer of {name}", lambda: self.answers.get(request_id), seconds)
