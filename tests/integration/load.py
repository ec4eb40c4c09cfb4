# SPDX-License-Identifier: Apache-2.0
"""load.py - clients that call one function all the time, each call with an argument of its own; and one that only looks."""
import itertools
import threading

from world import await_that

CALL_SECONDS = 40  # longer than any node lets a call wait
numbers = itertools.count(1)


class Load:
    """So many clients of a node, each with so many calls under way. Begins at once; stop() waits for the last answer."""

    def __init__(self, node, function, expected=lambda value: value, clients=3, depth=4):
        """expected(value): what function(value) is to answer."""
        self.name = f"{function}#{next(numbers)}"  # arguments begin with it
        self.node = node
        self.function = function
        self.expected = expected
        self.depth = depth
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.called = []
        self.answered = []
        self.failed = []  # (value, answer)
        self.threads = [threading.Thread(target=self._call_on, args=(number,), daemon=True) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def await_more(self, count):
        """So many more calls have been answered as they should be."""
        before = len(self.answered)
        await_that(f"{count} more answers of {self.function}, failed {self.failed[-1:]}",
                   lambda: len(self.answered) >= before + count)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(2 * CALL_SECONDS)

    close = stop  # as a helper of a world

    def unanswered(self):
        """Calls that are neither answered nor failed: none, after stop()."""
        return len(self.called) - len(self.answered) - len(self.failed)

    def _call_on(self, number):
        count = 0
        with self.node.client() as client:
            while not self.stopping.is_set():
                values = [f"{self.name}-{number}-{count + i}" for i in range(self.depth)]
                count += self.depth
                begun = [(value, client.begin_call(self.function, value)) for value in values]
                with self.lock:
                    self.called += values
                for value, u in begun:
                    self._note(value, client.finish(u, CALL_SECONDS))

    def _note(self, value, answer):
        result = (answer.get("r") or {}).get("result_of_call")
        with self.lock:
            if result == self.expected(value):
                self.answered.append(value)
            else:
                self.failed.append((value, answer))


class Names:
    """Looks all the time whether a node knows these names."""

    def __init__(self, node, names):
        self.node = node
        self.names = set(names)
        self.missed = []
        self.looks = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join()

    def _look(self):
        while not self.stopping.wait(0.005):
            missing = self.names - self.node.functions()
            self.looks += 1
            if missing:
                self.missed.append(missing)
