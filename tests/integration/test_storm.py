# SPDX-License-Identifier: Apache-2.0
"""Five hundred bridges dial one, which has a link for some of them, and is killed meanwhile."""
import os
import threading

from case import SharedTest
from storm import Storm
from world import World, await_that, free_port

LINKS = 40
STRANGERS = 460
SETTLED_SECONDS = 60


class Hub(World):
    """us-1 has a link for each of forty federations, and for eu, whose bridge is a real one."""

    def __init__(self):
        super().__init__()
        self.link_port = free_port()
        self.make_authority()
        known = [(f"f{i}", f"f{i}-1") for i in range(LINKS)]
        for federation, bridge in [("us", "us-1"), ("eu", "eu-1"), ("zz", "zz-1"), *known]:
            self.make_certificate(federation, bridge)
        links = [f"{{name: {federation}, federation: {federation}, accept: true}}" for federation, _ in known]
        self.hub = self.bridge("us-1", "us", free_port(), [], ["{name: eu, federation: eu, accept: true}", *links],
                               link_port=self.link_port, more="link_handshakes: {rate: 250/s, burst: 100}\n")
        self.eu_bridge = self.bridge("eu-1", "eu", free_port(), [], [
            f'{{name: us, federation: us, connect: ["127.0.0.1:{self.link_port}"]}}'], more="retry: {cap: 1s}\n")
        for process in self.processes:
            process.start().await_fact("bridge.ready")
        self.hub.await_link("eu")
        self.storm = Storm(self, self.link_port, known + [("zz", "zz-1")] * STRANGERS)
        self.helpers.append(self.storm)


class Asking:
    """Asks the admin interface all the time, in a thread; an answer that does not come in 5 s is a failure."""

    def __init__(self, bridge):
        self.bridge = bridge
        self.answers = 0
        self.failure = None
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.ending.set()
        self.thread.join()

    def _ask(self):
        try:
            while not self.ending.is_set():
                self.bridge.get("/healthz", seconds=5)
                self.answers += 1
                self.ending.wait(0.02)
        except OSError as error:
            self.failure = error


class StormTest(SharedTest):
    @classmethod
    def make_world(cls):
        return Hub()

    def open_files(self):
        return len(os.listdir(f"/proc/{self.world.hub.popen.pid}/fd"))

    def memory_mib(self):
        with open(f"/proc/{self.world.hub.popen.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024

    def await_settled(self):
        """Whom it has a link for is connected, and everybody else knows why not."""
        storm = self.world.storm
        await_that("everybody is connected or refused", lambda: (storm.count("up"), storm.count("refused")) == (
            LINKS, STRANGERS), SETTLED_SECONDS)
        for dialer in storm.refused():
            self.assertEqual((dialer.said, dialer.retry_after), ("no link is configured for your federation", 30.0))
        await_that("the links are up", lambda: self.world.hub.metric("mpreg_link_up") == LINKS + 1)

    def await_quiet(self, files):
        await_that("the connections are gone", lambda: self.open_files() <= files)
        await_that("the links are down", lambda: self.world.hub.metric("mpreg_link_up") == 1)

    def check_storm(self):
        """All dial at once; the hub answers, and who was there before does not notice."""
        hub, storm = self.world.hub, self.world.storm
        flaps = hub.link("eu")["session"]["flaps"]
        with Asking(hub) as asking:
            storm.dial()
            self.await_settled()
        self.assertIsNone(asking.failure)
        self.assertGreater(asking.answers, 10)
        self.assertEqual((hub.link("eu")["state"], hub.link("eu")["session"]["flaps"]), ("up", flaps))

    def test_five_hundred_dialers_and_a_hub_that_is_killed(self):
        hub, storm = self.world.hub, self.world.storm
        files = self.open_files()
        self.check_storm()
        self.assertGreater(hub.metric("mpreg_link_handshakes_total", result="opened"), LINKS + STRANGERS)
        self.assertGreater(hub.metric("mpreg_link_handshakes_total", result="limited"), 0)
        hub.kill()
        await_that("its dialers see it", lambda: storm.count("up") == 0)
        hub.start().await_fact("bridge.ready")
        storm.dial()
        self.await_settled()
        hub.await_link("eu")
        self.assertEqual(self.world.eu_bridge.link("us")["state"], "up")
        # What a storm has taken is there for the next one, and nothing of it is left when all have gone.
        used, resident = hub.metric("mpreg_memory_used_bytes"), self.memory_mib()
        storm.hang_up()
        self.await_quiet(files)
        self.check_storm()
        self.assertLess(self.memory_mib(), resident + 16)
        self.assertLess(hub.metric("mpreg_memory_used_bytes"), used + 2**20)
        storm.hang_up()
        self.await_quiet(files)
