# SPDX-License-Identifier: Apache-2.0
"""Wrong files: every error in one run, with its place and what to do; exit 2. Right ones print what they mean."""
import os
import re
import shutil
import socket
import subprocess
import unittest

from world import POLICIES, PATIENCE_SECONDS, World, free_port, program

NODE = "node: {cluster_id: us, listen: ws://127.0.0.1:9101}\n"
BRIDGE = "bridge: {name: us-1, federation: us}\ncluster: {cluster_id: us, listen: ws://127.0.0.1:9100}\n"
TLS = "tls: {cert_file: us-1.pem, key_file: us-1.key, ca_file: ca.pem}\n"
LINK = 'links: [{name: eu, federation: eu, connect: ["127.0.0.1:9243"]}]\n'
POLICY = "policies: [us-eu.yaml]\n"
NO_POLICY = "warning: link 'eu' has no policy: nothing passes; name a file in policies that says links: [eu]"

# name, file, what is printed: lines of PLACE: MESSAGE
WRONG_NODES = (
    ("an empty file", "", ["1:1: the file is empty"]),
    ("a bracket that is not closed", "node: [",
     ["2:1: did not find expected node content while parsing a flow node; look at the indentation, and for a quote or "
      "bracket that is not closed"]),
    ("an unknown key, and the one that is missing", "node:\n  cluster_id: us\n  lisen: ws://127.0.0.1:9101\n",
     ["2:3: key 'listen' is missing in node; give it a URL such as ws://127.0.0.1:9101",
      "3:3: unknown key 'lisen' in node; did you mean 'listen'? (allowed: cluster_id, listen, advertise, seeds, "
      "resources, tags, region, tls)"]),
    ("a key given twice", NODE + "node: {cluster_id: eu}\n",
     ["2:1: key 'node' is given twice; it is already at FILE:1:1"]),
    ("a list for a mapping", "node: [us]\n", ["1:7: node must be a mapping, not a list"]),
    ("another scheme", "node: {cluster_id: us, listen: http://127.0.0.1:9101}\n",
     ["1:32: node.listen: 'http://127.0.0.1:9101' begins with neither ws:// nor wss://; write a URL such as "
      "ws://127.0.0.1:9101"]),
    ("no port", "node: {cluster_id: us, listen: ws://127.0.0.1}\n",
     ["1:32: node.listen: 'ws://127.0.0.1' has no port; write a URL such as ws://127.0.0.1:9101"]),
    ("listening on a name", "node: {cluster_id: us, listen: ws://node-1:9101}\n",
     ["1:32: node.listen: 'node-1' is not an IP address; listen on an address, such as ws://0.0.0.0:9101, and give the "
      "name with advertise: ws://node-1:9101"]),
    ("a name that nobody can dial", "node: {cluster_id: us, listen: ws://0.0.0.0:9101}\n",
     ["1:32: node.listen: nobody can dial 'ws://0.0.0.0:9101', and it would be this one's name in the cluster; add "
      "advertise: ws://NAME:9101 with the name or address that other nodes reach it by"]),
    ("wss without certificates", "node: {cluster_id: us, listen: wss://127.0.0.1:9101}\n",
     ["1:32: node.listen: 'wss://127.0.0.1:9101' needs certificates; add node.tls with cert_file, key_file and "
      "ca_file"]),
    ("a variable without a value", 'node: {cluster_id: "${NOT_THERE}", listen: ws://127.0.0.1:9101}\n',
     ["1:20: 'NOT_THERE' is not defined in the environment; define it, or write ${NOT_THERE:-default}"]),
    ("a mode that is misspelt", NODE + "federation: {mode: stirct}\n",
     ["2:20: federation.mode cannot be 'stirct'; did you mean 'strict'? (allowed: strict, bridging, open)"]),
    ("a list that strict mode ignores", NODE + "federation: {allowed_foreign_cluster_ids: [eu]}\n",
     ["2:14: federation.allowed_foreign_cluster_ids goes with mode bridging only; write mode: bridging, or leave it "
      "out"]),
    ("a function twice", NODE + "functions:\n  - {name: a, exec: [x]}\n  - {name: a, exec: [x]}\n",
     ["4:12: function 'a' 1.0.0 is here twice; the first is in line 3, column 12; give one of them another version or "
      "other resources"]),
    ("no version", NODE + "functions:\n  - {name: a, version: 1.x, exec: [x]}\n",
     ["3:24: functions[0].version: '1.x' is not a version; write 1.2.3"]),
    ("a size without a unit", NODE + "memory_max: 512\n",
     ["2:13: memory_max: '512' has no unit; add a unit, such as 512KiB (allowed: B, KB, KiB, MB, MiB, GB, GiB)"]),
    ("three errors in one run", NODE + "admin: {listen: 9181}\nlog: {level: loud}\nmemory_max: 1MiB\n",
     ["2:17: admin.listen: '9181' has no valid host; a host is a name, an IPv4 address, or an IPv6 address in "
      "brackets: [::1]:9101",
      "3:14: log.level cannot be 'loud'; (allowed: error, warn, info, debug)",
      "4:13: memory_max: '1MiB' is out of range; (allowed: 64MiB or more)"]),
)

WRONG_BRIDGES = (
    ("a name that is no label", BRIDGE.replace("us-1", "us 1") + TLS + LINK + POLICY,
     ["1:16: bridge.name: 'us 1' has other characters in it than letters, digits, '-', '_' and '.'"]),
    ("links without certificates", BRIDGE + LINK + POLICY,
     ["3:1: links need certificates; add tls with cert_file, key_file and ca_file"]),
    ("a file that is not there", BRIDGE + TLS.replace("us-1.pem", "none.pem") + LINK + POLICY,
     ["3:18: tls.cert_file: cannot read 'FOLDER/none.pem': No such file or directory"]),
    ("an identity that names no federation", BRIDGE + TLS.replace("}", ', identity: "spiffe://x"}') + LINK + POLICY,
     ["3:75: tls.identity: 'spiffe://x' must have {federation} exactly once"]),
    ("a link that nobody dials", BRIDGE + TLS + "links: [{name: eu, federation: eu}]\n" + POLICY,
     ["4:9: links[0] says neither connect nor accept; write connect: [host:port] to dial the far bridge, or accept: "
      "true to be dialed by it"]),
    ("accepting without listening", BRIDGE + TLS + "links: [{name: eu, federation: eu, accept: true}]\n" + POLICY,
     ["4:44: links[0].accept: nobody can dial this bridge without link_listen; add link_listen: 0.0.0.0:9443"]),
    ("a link to the own federation", BRIDGE + TLS + LINK.replace("federation: eu", "federation: us") + POLICY,
     ["4:32: links[0].federation: 'us' is the bridge's own federation; a link leads to another one; bridges side by "
      "side need none"]),
    ("an address without a port", BRIDGE + TLS + LINK.replace(":9243", "") + POLICY,
     ["4:46: links[0].connect[0]: '127.0.0.1' has no port; write an address such as 127.0.0.1:9101"]),
    ("a policy for another link", BRIDGE + TLS + LINK.replace("name: eu", "name: ue") + POLICY,
     ["4:9: " + NO_POLICY.replace("'eu'", "'ue'").replace("[eu]", "[ue]"),
      "us-eu.yaml:15:8: FILE has no link 'eu'; did you mean 'ue'?"]),
    ("a policy that is not there", BRIDGE + TLS + LINK + "policies: [none.yaml]\n",
     ["none.yaml: the file cannot be read: No such file or directory"]),
    ("a duration without a unit", BRIDGE + TLS + LINK + POLICY + "keepalive: 2\n",
     ["6:12: keepalive: '2' has no unit; add a unit, such as 2s (allowed: ns, us, ms, s, m, h, d)"]),
    ("a duration that is too long", BRIDGE + TLS + LINK + POLICY + "keepalive: 1h\n",
     ["6:12: keepalive: '1h' is out of range; (allowed: 100ms to 1m)"]),
)


class ConfigTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.world.make_authority()
        cls.world.make_certificate("us", "us-1")
        shutil.copy(os.path.join(POLICIES, "us-eu.yaml"), cls.world.path("us-eu.yaml"))

    def run_program(self, name, *arguments):
        return subprocess.run([program(name), *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS,
                              check=False)

    def check(self, name, text):
        return self.run_program(name, "--check", "--config", self.world.write("config.yaml", text))

    def expected(self, lines):
        """In a table a line begins with its place in config.yaml, or with the name of another file."""
        file = self.world.path("config.yaml")
        whole = []
        for line in lines:
            line = line.replace("FILE", file).replace("FOLDER", self.world.folder)
            whole.append(f"{file}:{line}" if line[0].isdigit() else self.world.path(line))
        return "".join(f"{line}\n" for line in whole)

    def test_wrong_files(self):
        for kind, table in (("mpreg-node", WRONG_NODES), ("mpreg-bridge", WRONG_BRIDGES)):
            for name, text, lines in table:
                with self.subTest(name, program=kind):
                    done = self.check(kind, text)
                    self.assertEqual(done.stderr, self.expected(lines))
                    self.assertEqual((done.returncode, done.stdout), (2, ""))

    def test_a_wrong_file_does_not_run_either(self):
        file = self.world.write("config.yaml", NODE + "memory_max: 512\n")
        done = self.run_program("mpreg-node", "--config", file)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("config.yaml:2:13: memory_max: '512' has no unit", done.stderr)

    def test_what_is_printed_means_the_same(self):
        for kind, text in (
                ("mpreg-node", NODE + "functions:\n  - {name: a.b, exec: [sh, -c, \"cat '\\u00fc'\"], tags: [public]}\n"
                                      "federation: {mode: bridging, allowed_foreign_cluster_ids: [eu]}\n"),
                ("mpreg-bridge", BRIDGE + TLS + LINK + POLICY + "keepalive: 1500ms\n")):
            with self.subTest(kind):
                first = self.check(kind, text)
                self.assertEqual((first.returncode, first.stderr), (0, ""))
                second = self.check(kind, first.stdout)
                self.assertEqual((second.returncode, second.stderr), (0, ""))
                self.assertEqual(second.stdout, first.stdout)

    def test_warnings_do_not_hinder(self):
        done = self.check("mpreg-bridge", BRIDGE + TLS + LINK)
        self.assertEqual((done.returncode, done.stderr), (0, self.expected(["4:9: " + NO_POLICY])))

    def test_versions_and_wrong_command_lines(self):
        for name in ("mpreg-node", "mpreg-bridge", "mpregctl"):
            with self.subTest(name):
                done = self.run_program(name, "--version")
                self.assertRegex(done.stdout, rf"^{name} \d+\.\d+\.\d+ ")
                self.assertEqual(done.returncode, 0)
                done = self.run_program(name, "--no-such-option")
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertRegex(done.stderr, rf"^{name}: unknown option '--no-such-option'.*\n$")

    def test_busy_ports_are_one_clear_line(self):
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            taken = busy.getsockname()[1]
            listen, link, admin = (f"ws://127.0.0.1:{taken}", f'"127.0.0.1:{taken}"', f'"127.0.0.1:{taken}"')
            free = f"ws://127.0.0.1:{free_port()}"
            accept = "links: [{name: eu, federation: eu, accept: true}]\n" + POLICY
            for kind, text in (
                    ("mpreg-node", f"node: {{cluster_id: us, listen: {listen}}}\n"),
                    ("mpreg-node", f"node: {{cluster_id: us, listen: {free}}}\nadmin: {{listen: {admin}}}\n"),
                    ("mpreg-bridge", BRIDGE.replace("ws://127.0.0.1:9100", listen) + TLS + LINK + POLICY),
                    ("mpreg-bridge", BRIDGE.replace("ws://127.0.0.1:9100", free) + TLS + accept +
                     f"link_listen: {link}\n")):
                with self.subTest(text):
                    done = self.run_program(kind, "--config", self.world.write("config.yaml", text))
                    self.assertEqual((done.returncode, done.stdout), (1, ""))
                    self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                    self.assertTrue(re.search(rf"{kind}: .*{taken}.*in use", done.stderr), done.stderr)
