# SPDX-License-Identifier: MIT
"""Throws lines at a coordinator that are valid, nearly valid or nothing at all, while it does one job after the other with
real workers: for as long as it is told to. Each job has to come out right. Says the seed and how many lines there were."""

import argparse
import json
import random
import re
import sys
import time
import unittest
from pathlib import Path

from farm import SECRET, Coordinator, FarmTest, Job, Stranger, read_journal
from fuzz import Generator
from service import room, wait_until

JOB = Job(tasks=2000, poison=1)
CLIENTS = 400  # in one job: the first while it is under way, the others while one task is left
IN_ONE_GO = 8  # lines, at most


class Lines(Generator):
    """Their valid ones are a worker's, as if it had the tasks that it is told."""

    tasks: list[int] = [0]

    def valid(self) -> bytes:
        task = self.dice.choice(self.tasks)
        value = self.dice.randrange(100)
        message = self.dice.choice(
            [
                {"challenge": "1" * 64},
                {"hello": "fuzz"},
                {"alive": True},
                {"result": task, "value": value},
                {"failed": task, "why": "so"},
                {"ack": task},
                {"task": task, "job": {"kind": "empty"}},
                {"done": True},
            ]
        )
        return json.dumps(message).encode()


class Guest(Stranger):
    """It may be welcome by chance, without knowing it: then it does not look at the codes of lines."""

    def line(self) -> bytes:
        return re.sub(rb" [0-9a-f]{64}$", b"", super().line())


def is_lie(line: bytes) -> bool:
    """Whether it may be a worker's answer to a task, which nobody could tell from the right one."""
    try:
        message = json.loads(line.decode())
    except (ValueError, RecursionError):
        return False
    if not isinstance(message, dict):
        return False
    task = message.get("failed", message.get("result"))
    good = "failed" in message or isinstance(message.get("value"), int)
    return isinstance(task, int) and 0 <= task < JOB.tasks and good


class Fuzz(FarmTest):
    seconds = 20.0
    seed = 0

    def test_every_job_comes_out_right(self):
        self.dice = random.Random(self.seed)
        self.generator = Lines(self.dice)
        self.lines = self.welcomes = self.errors = jobs = 0
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            self.journal.unlink(missing_ok=True)
            self.workers.clear()
            coordinator = self.coordinator(JOB)
            keeper = self.keeper(coordinator)
            before = coordinator.descriptors()
            self.disturb(coordinator)
            self.assertTrue(wait_until(lambda: coordinator.descriptors() == before + 3))
            keeper.let_go()
            self.run_to_end(coordinator)
            jobs += 1
        print(f"{self.lines} lines, {self.welcomes} clients welcome, {self.errors} errors, {jobs} jobs")

    def disturb(self, coordinator: Coordinator) -> None:
        """While three workers do all but the keeper's task."""
        for _ in range(3):
            self.worker(coordinator.address)
        for _ in range(CLIENTS):
            with Guest(coordinator.address, "fuzz") as stranger:
                try:
                    self.talk(stranger)
                except OSError:
                    pass  # it hung up while something was unread
            lost = {task["task"] for task in stranger.hand if not JOB.is_poison(task["task"])}
            if lost:
                self.assertTrue(wait_until(lambda: lost <= self.done()), "what it had is done")
        self.wait_for_tasks(len(JOB.results()) - 1)

    def done(self) -> set[int]:
        return {line["task"] for line in read_journal(self.journal)}

    def talk(self, stranger: Stranger) -> None:
        if self.dice.random() < 0.3:
            stranger.greet()
            self.welcomes += 1
        lines = [self.generator.line() for _ in range(self.dice.randrange(1, IN_ONE_GO))]
        lines = [line for line in lines if not is_lie(line)]
        self.lines += len(lines)
        stranger.send(*lines)
        if self.dice.random() < 0.1:
            return stranger.reset()
        stranger.end()
        for message in stranger.answers():
            self.errors += "error" in message
            stranger.hand += [message] if "task" in message else []
            self.generator.tasks = [task["task"] for task in stranger.hand] or [0]
        return None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapter", type=Path)
    parser.add_argument("--seconds", type=float, default=Fuzz.seconds)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    FarmTest.chapter, Fuzz.seconds, Fuzz.seed = options.chapter.resolve(), options.seconds, options.seed
    room.enter(FarmTest.chapter)
    unittest.main(argv=sys.argv[:1], verbosity=2)
