# SPDX-License-Identifier: Apache-2.0
"""script/demo: what a newcomer runs first."""
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

from world import PATIENCE_SECONDS, ROOT, await_that, free_port, program, programs_folder

SHIFTS = [federation + port for federation in (0, 100) for port in (0, 1, 2, 43, 80, 81, 82)]


def free_port_base():
    while True:
        base = free_port()
        try:
            for shift in SHIFTS:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + shift))
            return base
        except OSError:
            pass


class DemoTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mpreg-test.")
        self.addCleanup(shutil.rmtree, self.folder)
        self.running = []
        self.addCleanup(self.end)

    def end(self):
        for process in self.running:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE_SECONDS)
            process.stdout.close()
            process.stderr.close()

    def start(self, *options, path="", programs=True):
        """Its own TMPDIR shows what it leaves behind. It heeds SIGINT even if these tests run in a shell's background."""
        environment = {**os.environ, "TMPDIR": self.folder, "PATH": path + os.environ["PATH"]}
        command = [os.path.join(ROOT, "script", "demo"), *options]
        if programs:
            command += ["--programs", programs_folder()]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.running.append(process)
        return process

    def run_demo(self, *options, **more):
        process = self.start(*options, **more)
        out, err = process.communicate(timeout=PATIENCE_SECONDS * 3)
        return process.returncode, out, err

    def start_and_await_up(self):
        process = self.start("--port-base", str(free_port_base()))
        seen = ""
        while "Ctrl-C ends it" not in seen:
            line = process.stdout.readline()
            if not line:
                self.fail(f"it ended: {seen} {process.stderr.read()}")
            seen += line
        return process

    def members(self):
        """Its programs: process ids by the name of their configuration."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
            except OSError:
                continue
            config = next((word for word in words if word.startswith(self.folder) and word.endswith(".yaml")), None)
            if config:
                found[os.path.basename(config)[:-len(".yaml")]] = int(pid)
        return found

    def workers(self):
        """Processes that run in its folder: the exec workers, which end when their node has."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/cwd").startswith(self.folder):
                    found.append(int(pid))
            except OSError:
                continue
        return found

    def assert_nothing_left(self):
        self.assertEqual(self.members(), {})
        self.assertEqual(os.listdir(self.folder), [])
        await_that("the end of all workers", lambda: not self.workers())

    def assert_one_line(self, text, words):
        self.assertEqual(text.count("\n"), 1, text)
        self.assertTrue(text.startswith("demo: "), text)
        self.assertIn(words, text)

    def assert_story(self, result):
        code, out, err = result
        self.assertEqual((code, err), (0, ""), out)
        for words in ("HELLO FROM US", "\n  5\n", "(1001)", "vault.open .*not for export", "demo: all of it was seen"):
            self.assertRegex(out, words)
        self.assertEqual(len(re.findall(r"(eu-1|us-1) +up ", out)), 2, out)

    def test_once_shows_everything_and_leaves_nothing(self):
        self.assert_story(self.run_demo("--once", "--port-base", str(free_port_base())))
        self.assert_nothing_left()

    def test_two_run_side_by_side(self):
        base = free_port_base()
        second = self.start("--once", "--port-base", str(base))
        self.assert_story(self.run_demo("--once", "--port-base", str(free_port_base())))
        out, err = second.communicate(timeout=PATIENCE_SECONDS * 3)
        self.assert_story((second.returncode, out, err))
        self.assert_nothing_left()

    def test_keep_leaves_the_run_folder_with_configurations_that_pass_their_check(self):
        code, out, _ = self.run_demo("--once", "--keep", "--port-base", str(free_port_base()))
        self.assertEqual(code, 0)
        run = re.search(r"the run folder is (\S+)", out)[1]
        self.assertEqual(os.stat(os.path.join(run, "us-1.key")).st_mode & 0o077, 0)
        for name, kind in (("us-node-1", "mpreg-node"), ("eu-node-2", "mpreg-node"), ("us-1", "mpreg-bridge"),
                           ("eu-1", "mpreg-bridge")):
            done = subprocess.run([program(kind), "--check", "--config", os.path.join(run, f"{name}.yaml")],
                                  capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
        shutil.rmtree(run)
        self.assert_nothing_left()

    def test_it_stays_up_until_a_signal_and_ends_what_it_started(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                process = self.start_and_await_up()
                self.assertEqual(set(self.members()),
                                 {"us-node-1", "us-node-2", "eu-node-1", "eu-node-2", "us-1", "eu-1"})
                self.assertEqual(len(self.workers()), 4)
                process.send_signal(number)
                self.assertEqual(process.wait(PATIENCE_SECONDS), 128 + number)
                self.assert_nothing_left()

    def test_it_tells_which_process_died_and_ends_the_others(self):
        process = self.start_and_await_up()
        os.kill(self.members()["eu-1"], signal.SIGKILL)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
        self.assertEqual(process.returncode, 1)
        self.assertIn("demo: eu-1 ended", err)
        self.assert_nothing_left()

    def test_a_busy_port_is_one_clear_line(self):
        base = free_port_base()
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", base + 143))
            busy.listen()
            code, out, err = self.run_demo("--once", "--port-base", str(base))
        self.assertEqual((code, out), (1, ""))
        self.assert_one_line(err, f"port {base + 143}, for the link of eu: address already in use")
        self.assert_nothing_left()

    def test_a_missing_package_without_a_network_is_one_clear_line(self):
        tools = os.path.join(self.folder, "tools")
        os.mkdir(tools)
        for name, text in (("dpkg-query", "exit 1"), ("id", "echo 0"),
                           ("apt-get", "echo 'Temporary failure resolving deb.debian.org'; exit 100")):
            path = os.path.join(tools, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\n{text}\n")
            os.chmod(path, stat.S_IRWXU)
        code, _, err = self.run_demo("--once", path=f"{tools}:", programs=False)
        shutil.rmtree(tools)
        self.assertEqual(code, 1)
        self.assert_one_line(err, "is there a network")
        self.assert_nothing_left()

    def test_wrong_command_lines(self):
        for options, words in ((("--twice",), "unknown option '--twice'"),
                               (("--port-base", "80"), "'80' is no number from 1024"),
                               (("--port-base", "9100x"), "'9100x' is no number"),
                               (("--port-base", "65354"), "'65354' is no number"),
                               (("--port-base",), "wants a value")):
            with self.subTest(options):
                code, out, err = self.run_demo(*options, programs=False)
                self.assertEqual((code, out), (64, ""))
                self.assert_one_line(err, words)

    def test_programs_that_are_not_there(self):
        for options, words in ((("--programs", self.folder), "there is no program"),
                               (("--programs", self.folder + "/none"), "there is no folder")):
            with self.subTest(words):
                code, out, err = self.run_demo("--once", *options, programs=False)
                self.assertEqual((code, out), (1, ""))
                self.assert_one_line(err, words)

    def test_help(self):
        code, out, err = self.run_demo("--help", programs=False)
        self.assertEqual((code, err), (0, ""))
        for words in ("--once", "--keep", "--port-base N", "--programs FOLDER"):
            self.assertIn(words, out)
