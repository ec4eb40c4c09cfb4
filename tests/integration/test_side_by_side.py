# SPDX-License-Identifier: Apache-2.0
"""Two bridges on each side, all four pairs linked, under load: one of them dies, freezes, is restarted, or loses a link.

Calls of idempotent functions are answered all the same. Every other call is answered or fails in its time, and ran once
at most.
"""
import signal
from collections import Counter

from case import SharedTest
from fault_proxy import Proxy
from load import Load, Names
from world import Federations, NotYet, await_that, free_port

POLICY = """policy: {own}-{far}
federation: {own}
links: [{far}-1, {far}-2]
export:
  rules:
    - {{id: public, match: {{function: "{{name**}}", tags: {{any: public}}}}, set: {{function: "{own}.{{name}}"}}, action: accept}}
import:
  rules:
    - {{id: theirs, match: {{function: "{far}.**"}}, action: accept}}
"""
FUNCTIONS = (("text.upper", "public, idempotent"), ("pay.charge", "public"))
BANDS = ["<2ms", "<10ms", "<50ms", "<200ms", ">=200ms", "unknown"]  # link_health.h
PATIENT = "retry: {base: 50ms, cap: 200ms}\nresume_window: 3s\n"


class SideBySide(Federations):
    """us-1 and us-2 dial eu-1 and eu-2; us-1 reaches eu-2 through a proxy."""

    def _describe(self):
        self.make_authority()
        ports = {"eu-1": free_port(), "eu-2": free_port()}
        proxy_port = free_port()
        self.proxy = Proxy(proxy_port, ports["eu-2"])
        self.helpers.append(self.proxy)
        self.nodes = {name: self.node(f"{name}-node", name, free_port(), [], FUNCTIONS) for name in ("us", "eu")}
        self.bridges = {}
        for number in (1, 2):
            self.add_bridge("eu", number, "us", lambda far: "accept: true", ports[f"eu-{number}"])
        for number in (1, 2):
            self.add_bridge("us", number, "eu", lambda far, number=number: "connect: " + (
                f'["127.0.0.1:{proxy_port if (number, far) == (1, "eu-2") else ports[far]}"]'))

    def add_bridge(self, own, number, far, road, link_port=None):
        """road(far bridge): what its link says of the way there."""
        name = f"{own}-{number}"
        self.make_certificate(own, name)
        links = [f"{{name: {far}-{i}, federation: {far}, bridge: {far}-{i}, {road(f'{far}-{i}')}}}" for i in (1, 2)]
        policy = self.write(f"{name}-policy.yaml", POLICY.format(own=own, far=far))
        self.bridges[name] = self.bridge(name, own, free_port(), [self.nodes[own].url], links, link_port=link_port,
                                         policies=[policy], more=PATIENT)

    def pairs(self):
        """Each bridge with each of its links."""
        return [(bridge, f"{'eu' if name.startswith('us') else 'us'}-{i}")
                for name, bridge in self.bridges.items() for i in (1, 2)]

    def catalog(self, federation):
        """How often each function of the other federation is listed for each of the two bridges that bring it."""
        far = "us." if federation == "eu" else "eu."
        items = self.nodes[federation].call("rpc_list")["items"]
        names = {bridge.url: name for name, bridge in self.bridges.items()}
        return Counter((item["identity"]["name"], names.get(item["node_id"])) for item in items
                       if item["identity"]["name"].startswith(far))

    def expected_catalog(self, federation):
        far = "us" if federation == "eu" else "eu"
        return Counter((f"{far}.{name}", f"{federation}-{i}") for name, _ in FUNCTIONS for i in (1, 2))

    def await_whole(self):
        for bridge, link in self.pairs():
            bridge.await_link(link)
        for federation, node in self.nodes.items():
            await_that(f"{node.name} has each function once of each bridge",
                       lambda federation=federation: self.catalog(federation) == self.expected_catalog(federation))
            node.await_connected([bridge for name, bridge in self.bridges.items() if name.startswith(federation)])


class SideBySideTest(SharedTest):
    @classmethod
    def make_world(cls):
        return SideBySide()

    def setUp(self):
        self.world.await_whole()
        us, eu = self.world.nodes["us"], self.world.nodes["eu"]
        self.idempotent = [Load(us, "eu.text.upper", str.upper), Load(eu, "us.text.upper", str.upper)]
        self.others = []
        for load in self.idempotent:
            self.addCleanup(load.stop)
            load.await_more(1)

    def load_others(self):
        self.others = [Load(self.world.nodes["us"], "eu.pay.charge"), Load(self.world.nodes["eu"], "us.pay.charge")]
        for load in self.others:
            self.addCleanup(load.stop)
            load.await_more(1)

    def await_more(self, count=50):
        """Others than idempotent calls wait for what does not answer until their time is over: that is not awaited."""
        for load in self.idempotent:
            load.await_more(count)

    def executions(self, load):
        serving = self.world.nodes["eu" if load.node is self.world.nodes["us"] else "us"]
        return Counter(arguments[0] for _, arguments in self.world.executed_calls(serving)
                       if arguments[0].startswith(load.name + "-"))

    def check_calls(self):
        for load in self.idempotent + self.others:
            load.stop()
        for load in self.idempotent + self.others:
            self.assertEqual(load.unanswered(), 0, load.name)
        for load in self.idempotent:
            self.assertEqual(load.failed, [], load.name)
        for load in self.others:
            ran = self.executions(load)
            self.assertFalse([value for value, count in ran.items() if count > 1], load.name)
            self.assertFalse(set(load.answered) - set(ran), load.name)

    def test_each_of_them_may_die_freeze_or_lose_a_link(self):
        world = self.world
        self.load_others()
        for name in ("eu-1", "us-1"):
            world.bridges[name].kill()
            self.await_more()
            world.bridges[name].start()
            world.await_whole()
        frozen = world.bridges["eu-2"]
        frozen.popen.send_signal(signal.SIGSTOP)
        try:
            for name in ("us-1", "us-2"):
                world.bridges[name].await_link("eu-2", "suspended")
            self.await_more()
        finally:
            frozen.popen.send_signal(signal.SIGCONT)
        world.await_whole()
        world.proxy.break_off()
        world.bridges["us-1"].await_link("eu-2", "suspended")
        self.await_more()
        world.proxy.mend()
        world.await_whole()
        self.await_spread()
        self.check_calls()

    def await_spread(self):
        """A bridge that is given calls sends some to each far bridge that is as near as the nearest."""
        def look():
            """Of each bridge and link: how many calls it carried out, and the band of its round trip."""
            return {(bridge.name, link): (
                bridge.metric("mpreg_calls_total", port=link, direction="out", result="ok"),
                bridge.link(link)["health"]["rtt_band"]) for bridge, link in self.world.pairs()}

        def is_spread():
            now = look()
            more = {pair for pair, (count, _) in now.items() if count > before[pair][0]}
            used = [name for name in self.world.bridges if any(bridge == name for bridge, _ in more)]
            for name in used:
                bands = {link: band for (bridge, link), (_, band) in now.items() if bridge == name}
                nearest = min(bands.values(), key=BANDS.index)
                if any((name, link) not in more for link, band in bands.items() if band == nearest):
                    raise NotYet(f"before: {before}, now: {now}")
            return {name.split("-")[0] for name in used} == set(self.world.nodes)

        before = look()
        await_that("calls to each far bridge", is_spread)

    def test_a_restart_takes_no_function_away(self):
        world = self.world
        watched = Names(world.nodes["us"], [f"eu.{name}" for name, _ in FUNCTIONS])
        self.addCleanup(watched.stop)
        near = [world.bridges[name] for name in ("us-1", "us-2")]
        self.assertEqual(world.bridges["eu-1"].stop(), 0)
        for bridge in near:
            await_that(f"{bridge.name} has what eu-1 brought as stale",
                       lambda bridge=bridge: bridge.metric("mpreg_functions_stale", link="eu-1") == len(FUNCTIONS))
        self.await_more()
        world.bridges["eu-1"].start()
        world.await_whole()
        for bridge in near:
            await_that(f"nothing is stale in {bridge.name}",
                       lambda bridge=bridge: bridge.metric("mpreg_functions_stale") == 0)
        self.await_more()
        watched.stop()
        self.assertGreater(watched.looks, 0)
        self.assertEqual(watched.missed, [])
        self.check_calls()
