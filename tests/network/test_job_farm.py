# SPDX-License-Identifier: MIT
"""coordinator and worker, held against their protocol, against kills at any moment, and against a bad network.

Usage: test_job_farm.py CHAPTER plain|sanitized DISK [name...], where DISK is disk.cpp, built

PDC_KILLS=500 test_job_farm.py CHAPTER plain DISK Accidents goes on until there were so many kills of workers, and so many
of coordinators.
"""

import collections
import contextlib
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading
import unittest
from pathlib import Path
from unittest import mock

import psutil
from farm import ATTACKS, NUMBERS, SECRET, Coordinator, FarmTest, Host, Job, Seal, Speaker, Stranger, attacks, read_journal
from proxy import Plan, Proxy
from service import TIME_LIMIT, Client, room, wait_until

SEED = 1
KILLS = int(os.environ.get("PDC_KILLS", "1"))  # at least, in each of two tests
SILENCE = "1"  # seconds, where somebody may fall silent


class Well(FarmTest):
    """Nothing happens but what the job asks for."""

    def test_one_worker(self):
        farm = self.coordinator(Job(poison=3))
        self.worker(farm.address)
        report = self.run_to_end(farm)
        self.assertEqual(report["dealt"], 97 + 3 * 3)
        self.assertEqual(report["poison was given up, not before three attempts"], "3 of 3")
        self.assertEqual((report["workers come"], report["workers gone"]), (1, 0))

    def test_a_stranger_does_it_all(self):
        farm = self.coordinator(Job(poison=2))
        with Stranger(farm.address) as stranger:
            stranger.greet()
            stranger.work()
        self.run_to_end(farm)
        self.assertEqual({line["by"] for line in read_journal(self.journal)}, {"stranger"})

    def test_strangers_and_workers_together(self):
        farm = self.coordinator(Job(tasks=300, poison=1))
        keeper = self.keeper(farm)
        before = farm.descriptors()
        for _ in range(3):
            self.worker(farm.address)
        self.assertTrue(wait_until(lambda: farm.descriptors() >= before + 3), "all have come")
        self.wait_for_tasks(298)
        keeper.let_go()
        self.run_to_end(farm)

    def test_what_is_acknowledged_is_in_the_journal(self):
        job = Job("empty", tasks=50)
        farm = self.coordinator(job)
        with Stranger(farm.address) as stranger:
            stranger.greet()
            for _ in range(job.tasks):
                task = stranger.next_task()
                stranger.perform(task)
                while "ack" not in (answer := stranger.answer()):
                    stranger.hand.append(answer)
                self.assertEqual(answer, {"ack": task["task"]})
                self.assertIn(task["task"], [line["task"] for line in read_journal(self.journal)])
            self.assertIsNone(stranger.next_task())
        self.run_to_end(farm)

    def test_who_fails_everything_spoils_nothing_while_others_are_there(self):
        """It is given no task twice, either."""
        job = Job(tasks=60, poison=2)
        farm = self.coordinator(job)
        with Stranger(farm.address, "good") as good, Stranger(farm.address, "bad") as bad:
            good.greet()
            kept = good.next_task()
            bad.greet()
            failed: set[int] = set()
            while len(failed) < job.tasks // 2:
                self.fail_one(bad, job, failed)
            good.perform(kept)
            helper = threading.Thread(target=good.work)
            helper.start()
            while self.fail_one(bad, job, failed):
                pass
            helper.join(TIME_LIMIT)
        self.run_to_end(farm)

    def fail_one(self, bad: Stranger, job: Job, failed: set[int]) -> bool:
        """No when all is done."""
        if not (task := bad.next_task()):
            return False
        number = task["task"]
        self.assertTrue(number not in failed or job.is_poison(number), f"{number} once more")
        failed.add(number)
        bad.fail(task)
        return True

    def test_a_job_of_which_all_fails(self):
        farm = self.coordinator(Job("empty", tasks=5, poison=5))
        self.worker(farm.address)
        self.assertEqual(self.run_to_end(farm)["dealt"], 15)


class Accidents(FarmTest):
    def setUp(self):
        super().setUp()
        self.dice = random.Random(SEED)

    def test_workers_are_killed_and_others_come(self):
        """At random moments: after so many tasks."""
        kills = seen = rounds = 0
        while rounds < (8 if not self.sanitized else 1) or kills < KILLS:
            rounds += 1
            self.journal.unlink(missing_ok=True)
            self.workers.clear()
            farm = self.coordinator(Job(tasks=400, poison=1))
            keeper = self.keeper(farm)
            before = farm.descriptors()
            kills += self.come_and_go(farm)
            self.assertTrue(wait_until(lambda: farm.descriptors() <= before), "some are left")
            self.worker(farm.address)
            self.assertTrue(wait_until(lambda: farm.descriptors() > before), "it has come")
            self.wait_for_tasks(398)
            keeper.let_go()
            seen += self.run_to_end(farm)["workers gone"]
        print(f"{kills} ends of workers, {seen} of them seen", flush=True)

    def come_and_go(self, farm: Coordinator) -> int:
        """Until most is done, and all are gone. Returns how many there were."""
        living = [self.worker(farm.address) for _ in range(3)]
        while (done := len(read_journal(self.journal))) < farm.job.tasks - 30:
            self.wait_for_tasks(done + self.dice.randrange(1, 9))
            for _ in range(self.dice.randrange(1, 4)):
                number = self.dice.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
                living.pop(self.dice.randrange(3)).send_signal(number)
                living.append(self.worker(farm.address))
        for worker in living:
            worker.kill()
        return len(self.workers)

    def test_a_late_answer_is_counted_once(self):
        """A worker is stopped; its task is done by another; then it goes on."""
        farm = self.coordinator(Job(tasks=60), silence=SILENCE)
        keeper = self.keeper(farm)
        stopped = self.worker(farm.address)
        self.wait_for(lambda: self.done_by("worker 0") >= 1)
        stopped.send_signal(signal.SIGSTOP)
        other = self.worker(farm.address)
        self.wait_for_tasks(59)  # those that it had in hand too
        other.kill()
        other.wait()
        stopped.send_signal(signal.SIGCONT)
        keeper.leave()  # so the stopped one gets the last: after its late answers
        report = self.run_to_end(farm)
        self.assertGreaterEqual(report["late"], 1)
        last = next(line for line in read_journal(self.journal) if line["task"] == keeper.kept["task"])
        self.assertEqual(last["by"], "worker 0")

    def test_a_late_failure_does_not_count(self):
        """Others try, whatever the one says that was silent, and then that one has to try, too."""
        farm = self.coordinator(Job("empty", 1, 1), silence=SILENCE)
        with Stranger(farm.address, "late") as late, Stranger(farm.address, "other") as other:
            late.greet()
            task = late.next_task()
            other.greet()
            other.perform(other.await_task())  # it is given it when the first is silent
            last = other.await_task()
            late.perform(task)
            self.assertEqual(late.answer(), {"ack": 0})
            other.perform(last)
            late.perform(late.await_task())  # it has not failed it yet, as far as anybody counts
            for stranger in (late, other):
                self.assertIsNone(stranger.next_task())
                stranger.end()
        report = self.run_to_end(farm)
        self.assertEqual((report["late"], report["dealt"]), (1, 4))

    def test_a_stopped_coordinator_is_left_and_found_again(self):
        farm = self.coordinator(Job(tasks=60), silence=SILENCE)
        keeper = self.keeper(farm)
        worker = self.worker(farm.address, "--silence", SILENCE, "--patience", SILENCE)
        back = self.worker(farm.address, "--silence", SILENCE)
        self.wait_for_tasks(5)
        farm.process.send_signal(signal.SIGSTOP)
        said, complaint = worker.communicate(timeout=TIME_LIMIT)
        self.assertEqual(worker.returncode, 3, said)
        self.assertEqual(len(complaint.splitlines()), 1, complaint)
        self.workers.remove(worker)
        farm.process.send_signal(signal.SIGCONT)
        self.wait_for_tasks(59)
        keeper.let_go()
        self.run_to_end(farm)
        self.assertEqual(back.returncode, 0)

    def done_by(self, name: str) -> int:
        return sum(line["by"] == name for line in read_journal(self.journal))

    def wait_for(self, holds) -> None:
        self.assertTrue(wait_until(holds))

    def test_the_coordinator_is_killed_and_another_goes_on(self):
        kills = 0
        while kills < KILLS:
            self.journal.unlink(missing_ok=True)
            self.workers.clear()
            kills += self.succeed_each_other(Job(tasks=600 if not self.sanitized else 100, poison=2))
        print(f"{kills} ends of coordinators", flush=True)

    def succeed_each_other(self, job: Job) -> int:
        """Coordinators of one job. Returns how many were killed."""
        address = f"127.{self.dice_of_this_run(3)}"  # nobody else takes its port in between
        options = ["--address", address]
        farm = self.coordinator(job, *options)
        for _ in range(3):
            self.worker(farm.address)
        before, kills = b"", 0
        while (done := len(read_journal(self.journal))) < job.tasks - 60:
            self.wait_for_tasks(done + self.dice.randrange(1, 50))
            farm.kill()
            kills += 1
            kept = self.journal.read_bytes()
            self.assertTrue(kept.startswith(before), "what was written is still there")
            before = kept[: kept.rfind(b"\n") + 1]
            left = len(job.results()) - len(read_journal(self.journal))
            farm = self.coordinator(job, *options, "--port", str(farm.address[1]))
        report = self.run_to_end(farm, end_workers=True)  # one may do all before the others are back
        self.assertEqual(report["dealt"], left + 3 * job.poison, "what was done is not dealt out again")
        return kills

    def dice_of_this_run(self, count: int) -> str:
        return ".".join(str(1 + secrets.randbelow(250)) for _ in range(count))

    def test_its_own_workers_end_with_a_killed_coordinator(self):
        options = ["--workers", "3", "--tasks", "2000", "--journal", str(self.journal)]
        command = [self.chapter / "coordinator", *options]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            self.wait_for_tasks(5)  # of many
            process.kill()
        self.assert_nothing_is_left()


class Journals(FarmTest):
    JOB = Job("empty", tasks=20)

    def finish(self, *options: str) -> dict:
        farm = self.coordinator(self.JOB, *options)
        self.worker(farm.address)
        return self.run_to_end(farm)

    def test_all_done_is_done(self):
        self.assertEqual(self.finish()["dealt"], 20)
        farm = self.coordinator(self.JOB)
        self.assertEqual(farm.wait(), 0)
        self.assert_right(farm)
        self.assertEqual(farm.report()["dealt"], 0)

    def test_a_torn_last_line_is_cut_off(self):
        self.finish()
        whole = self.journal.read_bytes()
        lines = whole.splitlines(keepends=True)
        for keep in (1, 2, 10, 20):
            for torn in (1, len(lines[keep]) // 2, len(lines[keep]) - 1):
                with self.subTest(keep=keep, torn=torn):
                    self.journal.write_bytes(b"".join(lines[:keep]) + lines[keep][:torn])
                    self.assertEqual(self.finish()["dealt"], 20 - (keep - 1))

    def test_a_torn_first_line_is_no_loss(self):
        self.finish()
        first = self.journal.read_bytes().splitlines()[0]
        for torn in (0, 1, len(first) // 2, len(first)):
            self.journal.write_bytes(first[:torn])
            self.assertEqual(self.finish()["dealt"], 20)

    def test_what_is_not_of_this_job_is_refused(self):
        self.finish()
        lines = self.journal.read_bytes().splitlines(keepends=True)
        others = [Job("empty", tasks=21), Job(tasks=20), Job("empty", tasks=20, poison=1)]
        for job in others:
            self.assertIn("of another job", self.refused(job))
        texts = [b"hello\n", b"hello", b"\n", b"{}\n", b"\0" * 100, lines[0] + b"\n"]
        texts += [lines[0] + line for line in (b"{}\n", b"[1]\n", b"hello\n", lines[1] * 2)]
        for task, value in [(20, 0), (-1, 0), ("1", 0), (1, "0"), (1, None), (1, [0]), (1, 0.5), (1, 1)]:
            texts.append(lines[0] + json.dumps({"task": task, "value": value, "by": "x"}).encode() + b"\n")
        for text in texts:
            with self.subTest(text):
                self.journal.write_bytes(text)
                self.refused(self.JOB)
                self.assertEqual(self.journal.read_bytes(), text, "it is left as it was")

    def refused(self, job: Job) -> str:
        return self.assert_refused(
            "coordinator", 3, "--secret-file", self.secret,
            *job.options(), "--journal", str(self.journal),
        )  # fmt: skip

    def test_one_that_is_in_use_is_refused(self):
        farm = self.coordinator(self.JOB)
        keeper = self.keeper(farm)
        for _ in range(3):
            self.assertIn("another program", self.refused(self.JOB))
        keeper.let_go()
        self.run_to_end(farm)


class SlowDisk(FarmTest):
    """What is acknowledged is on the disk; the coordinator waits for that, and goes on meanwhile."""

    library: str

    def setUp(self):
        if self.sanitized:
            self.skipTest("a sanitizer has to be loaded first itself")
        super().setUp()
        self.disk = socket.create_server(str(self.folder / "disk"), family=socket.AF_UNIX)
        self.disk.settimeout(TIME_LIMIT)
        self.addCleanup(self.disk.close)

    def call(self) -> socket.socket:
        """The next one for the disk."""
        call = self.disk.accept()[0]
        self.addCleanup(call.close)
        return call

    def start(self, job: Job) -> Coordinator:
        """What it finds in its journal it takes to the disk before all else."""
        beginning = threading.Thread(target=lambda: self.call().sendall(b"y"))
        beginning.start()
        with mock.patch.dict(os.environ, LD_PRELOAD=self.library, PDC_DISK=str(self.folder / "disk")):
            farm = self.coordinator(job)
        beginning.join()
        return farm

    def test_nothing_is_acknowledged_before_it_is_there(self):
        farm = self.start(Job("empty", tasks=3))
        with Stranger(farm.address) as stranger:
            stranger.greet()
            tasks = []
            for _ in range(3):  # it deals out while the disk has the first one
                tasks.append(stranger.next_task())
                stranger.perform(tasks[-1])
            call = self.call()
            for _ in range(3):
                self.assertEqual(json.loads(stranger.line()), {"alive": True})
            call.sendall(b"y")
            self.assertEqual(stranger.answer(), {"ack": tasks[0]["task"]})
            self.call().sendall(b"y")  # for all others
            for task in tasks[1:]:
                self.assertEqual(stranger.answer(), {"ack": task["task"]})
            self.assertEqual(stranger.answer(), {"done": True})
        self.run_to_end(farm)

    def test_one_that_fails_ends_it(self):
        farm = self.start(Job("empty", tasks=3))
        with Stranger(farm.address) as stranger:
            stranger.greet()
            stranger.perform(stranger.next_task())
            self.call().sendall(b"n")
            self.assertEqual(farm.wait(), 3)
            self.assertIn("fdatasync", farm.complaints())
            with contextlib.suppress(ConnectionError):
                while answer := stranger.answer():
                    self.assertNotIn("ack", answer)


class CommandLine(FarmTest):
    def test_what_is_wrong_is_said_before_anything_is_started(self):
        for program, *words in [
            ("coordinator", "--address", "here"), ("worker", "--address", "192.0.2"), ("coordinator", "--job", "sleep"),
            ("coordinator", "--workers", "0"), ("coordinator", "--workers", "33"), ("coordinator", "--silence", "0"),
            ("coordinator", "--job", "mandelbrot", "--tasks", "23"), ("worker", "--port", "9"),
            ("worker", "--accident", "sleep"),
        ]:  # fmt: skip
            with self.subTest(program, words=words):
                self.assertIn(words[-2], self.assert_refused(program, 2, *words))


class Secrets(FarmTest):
    def farm(self) -> Coordinator:
        return self.coordinator(Job(tasks=30))

    def finish(self, farm: Coordinator) -> None:
        """With somebody who knows it."""
        with Stranger(farm.address, "friend") as friend:
            friend.greet()
            friend.work()
        self.run_to_end(farm)

    def test_who_knows_it_is_welcome(self):
        farm = self.farm()
        self.worker(farm.address)
        report = self.run_to_end(farm)
        self.assertEqual(report["workers come"], 1)

    def test_an_end_of_line_is_no_part_of_it(self):
        farm = self.farm()
        self.worker(farm.address, "--secret-file", self.secret_file("line", SECRET + b"\n"))
        self.run_to_end(farm)

    def test_who_does_not_is_not(self):
        other = self.secret_file("other", SECRET + b"!")
        farm = self.farm()
        self.assertIn("secret", self.refused_worker(farm.address, other))
        for secret in (b"", SECRET[:-1], SECRET.upper()):
            with Stranger(farm.address, "spy", secret) as spy:
                spy.greet()
                self.assert_thrown_out(spy)
        self.finish(farm)
        self.assertEqual(farm.report()["workers come"], 1)

    def test_a_worker_does_not_work_for_one_without(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(TIME_LIMIT)
            worker = self.worker(listener.getsockname(), "--patience", "0.1")
            with Host(listener.accept()[0]) as host:
                host.exchange_challenges(b"another secret", "coordinator")
                host.send({"task": 0, "job": {"kind": "empty"}})
                self.assertTrue(host.hung_up(), "it takes no task")
        said, complaint = worker.communicate(timeout=TIME_LIMIT)
        self.assertEqual((worker.returncode, len(complaint.splitlines())), (3, 1), said)

    def test_nobody_can_read_the_secret_of_its_own_workers(self):
        """Whatever their command line says; and without it nobody is let in on the loopback interface."""
        options = ["--workers", "2", "--tasks", "2000", "--journal", str(self.journal)]
        command = [self.chapter / "coordinator", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as farm:
            self.addCleanup(farm.kill)
            self.wait_for_tasks(1)
            workers = psutil.Process(farm.pid).children()
            words = workers[0].cmdline()
            port = int(words[words.index("--port") + 1])
            files = {word for worker in workers for word in worker.cmdline() if word.startswith("/proc")}
            [file] = files
            for worker in workers:
                path = file.replace("self", str(worker.pid))
                self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
                self.assertNotIn(Path(path).read_bytes().hex(), " ".join(worker.cmdline()))
            for secret in (b"", SECRET, file.encode()):
                with Stranger(("127.0.0.1", port), "spy", secret) as spy:
                    spy.greet()
                    self.assert_thrown_out(spy)
            farm.kill()

    def refused_worker(self, address: tuple[str, int], secret: str) -> str:
        words = ["--address", address[0], "--port", str(address[1]), "--patience", "0.1", "--quiet"]
        return self.assert_refused("worker", 3, *words, "--secret-file", secret)

    def assert_thrown_out(self, client: Client) -> None:
        """After what it has said, it hears of an error at most: without a task."""
        client.incoming = None
        with contextlib.suppress(ConnectionError):
            while line := client.line():
                self.assertNotIn(b"task", line)

    def test_a_line_sent_back_proves_nothing(self):
        """A coordinator that knows nothing sends the worker what came from it."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(TIME_LIMIT)
            worker = self.worker(listener.getsockname(), "--patience", "0.1")
            with Host(listener.accept()[0]) as host:
                host.socket.sendall(host.line() + b"\n")  # its own challenge
                host.socket.sendall(host.line() + b"\n")  # its hello
                self.assertTrue(host.hung_up(), "it takes no task")
        said, _ = worker.communicate(timeout=TIME_LIMIT)
        self.assertEqual(worker.returncode, 3, said)

    def test_what_came_from_the_coordinator_proves_nothing_to_it(self):
        farm = self.farm()
        with Speaker(farm.address) as spy:
            theirs = spy.line()
            spy.send(theirs, theirs, b'{"hello":"spy"} ' + theirs)
            self.assert_thrown_out(spy)
        self.finish(farm)

    def test_a_greeting_of_an_earlier_connection_proves_nothing(self):
        farm = self.farm()
        with Stranger(farm.address, "friend") as friend:
            session = friend.greet()
            self.assertIn("task", friend.answer())
        hello = Seal(session.key(), "worker").next(b'{"hello": "friend"}')
        for _ in range(5):
            with Speaker(farm.address) as spy:
                spy.line()
                spy.send({"challenge": session.workers}, hello)
                self.assert_thrown_out(spy)
        self.finish(farm)

    def test_no_challenge_comes_twice(self):
        farm = self.farm()
        challenges = set()
        for _ in range(100):
            with Speaker(farm.address) as client:
                challenges.add(client.answer()["challenge"])
        self.assertEqual({len(bytes.fromhex(text)) for text in challenges}, {32})
        self.assertEqual(len(challenges), 100)
        self.finish(farm)

    def test_a_bad_file_is_refused(self):
        files = [self.secret_file("empty", b""), self.secret_file("line", b"\n" * 20), "/nowhere/secret"]
        files += [self.secret_file("short", b"x" * 15), self.secret_file("long", b"x" * 4097)]
        files.append(str(self.folder))
        modes = (0o640, 0o604, 0o620, 0o601)
        files += [self.secret_file(f"{mode}", SECRET, mode) for mode in modes]
        for file in files:
            with self.subTest(file):
                self.assert_refused("coordinator", 3, "--secret-file", file)
                self.assert_refused("worker", 3, "--port", "9", "--secret-file", file)


class Rude(FarmTest):
    """Clients that do not keep to the protocol: an error and the end for them, nothing for others."""

    def setUp(self):
        super().setUp()
        self.farm = self.coordinator(Job(tasks=50))
        self.guard = self.keeper(self.farm)
        self.before = self.farm.descriptors()

    def finish(self) -> dict:
        self.assertTrue(wait_until(lambda: self.farm.descriptors() <= self.before))
        self.worker(self.farm.address)
        self.wait_for_tasks(49)
        self.guard.let_go()
        return self.run_to_end(self.farm)

    def assert_thrown_out(self, client: Client, *lines: bytes | dict) -> None:
        """An error comes, unless it was ended with something unread; then it is reset."""
        answers = []
        try:
            client.send(*lines)
            answers = client.answers()
        except ConnectionError:
            return
        self.assertIn("error", answers[-1], lines)

    def test_garbage_in_place_of_a_greeting(self):
        for line in [
            b"", b"hello", b"{}", b"[]", b"null", b"7", b"\0\0", b"\xff\xfe", b"GET / HTTP/1.1", b"[" * 1000,
            b'{"hello":' * 1000, b'{"result":0,"value":0}', b'{"alive":true}', b"{" + b" " * 1024,
            {"hello": "x"}, {"challenge": 7}, {"challenge": None}, {"challenge": "x" * 1024},
        ]:
            with self.subTest(line), Speaker(self.farm.address) as client:
                client.answer()
                self.assert_thrown_out(client, line)
        for line in [
            b"{}", b"[]", {"hello": 7}, {"hello": None}, {"hello": ""}, {"hello": "x" * 65}, {"hello": "a\nb"},
            {"hello": "\x1b[2J"}, {"result": 0, "value": 0}, {"alive": True},
        ]:
            with self.subTest(line), Speaker(self.farm.address) as client:
                client.exchange_challenges(SECRET, "worker")
                self.assert_thrown_out(client, line)
        self.assertEqual(self.finish()["workers come"], 2)  # the guard, and who did the rest

    def test_nobody_in_between_can_make_something_of_a_line(self):
        for attack in ATTACKS:
            with self.subTest(attack), Stranger(self.farm.address) as stranger:
                session = stranger.greet()
                said = attacks(session, "worker", "coordinator", stranger.outgoing.lines)[attack]
                stranger.socket.sendall(said)
                self.assertIn("code", stranger.answers()[-1]["error"])
        self.finish()

    def test_who_drips_is_thrown_out(self):
        """A byte now and then is no greeting, and after one no sign of life."""
        farm = self.coordinator(Job(tasks=50), journal=self.folder / "other", silence=SILENCE)
        with Speaker(farm.address) as client:
            client.socket.settimeout(0.05)  # how long it waits with the next byte
            for _ in range(int(TIME_LIMIT / 0.05)):
                try:
                    client.socket.sendall(b" ")
                    if not client.socket.recv(1000):
                        break
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
            else:
                self.fail("it is still there")
        farm.kill()
        self.finish()

    def test_strangers_have_few_places(self):
        """Those that say nothing do not keep those out that have work to do."""
        before = self.farm.descriptors()
        with contextlib.ExitStack() as crowd:
            for _ in range(300):
                crowd.enter_context(Speaker(self.farm.address)).answer()
            self.assertTrue(wait_until(lambda: self.farm.descriptors() <= before + 64))
            self.worker(self.farm.address)
            self.wait_for_tasks(49)
        self.guard.let_go()
        self.run_to_end(self.farm)

    def test_a_peer_that_comes_many_times_takes_the_places_of_others_from_nobody(self):
        with contextlib.ExitStack() as crowd, Stranger(self.farm.address, "early") as early:
            for _ in range(300):
                client = crowd.enter_context(Speaker(self.farm.address, source="127.0.0.2"))
                client.answer()
            early.greet()
            early.perform(early.next_task())
        self.finish()

    def test_who_says_nothing_or_half_a_line_holds_nothing_up(self):
        for text in (b"", b"{", b'{"hello":"x"', b"x" * 100_000):
            with Speaker(self.farm.address) as client:
                client.socket.sendall(text)
                client.reset()
        self.finish()

    def test_half_a_line_at_the_end_is_no_answer(self):
        with Stranger(self.farm.address) as stranger:
            stranger.greet()
            stranger.socket.sendall(b'{"heartbeat":')
            stranger.end()
            stranger.socket.settimeout(None)
            while stranger.answer():
                pass
        self.finish()


class Thieves(FarmTest):
    """Workers that say what they may not. Another one gets their task."""

    WRONG = [
        {"task": 49}, {"task": -1}, {"task": 50}, {"task": 1 << 40}, {"task": 1 << 70}, {"task": "0"},
        {"task": None}, {"task": [0]}, 
        {"value": None}, {"value": "7"}, {"value": [7]},
        {"value": 0.5}, {"value": 1 << 63}, {"value": {}}, {"value": True}, {"value": -1}, {"value": 1},
        {"value": (1 << 63) - 1},
    ]  # fmt: skip

    def test_an_answer_to_what_was_not_given(self):
        for wrong in self.WRONG:
            for kind in ("result", "failed"):
                if kind == "result" or "value" not in wrong:
                    with self.subTest(kind=kind, wrong=wrong):
                        self.steal({"task": 0, "value": 0, "why": "so", **wrong}, kind)

    def test_an_answer_twice(self):
        self.steal({"task": 0, "value": 0}, "result", times=2)

    def steal(self, message: dict, kind: str, times: int = 1) -> None:
        self.journal.unlink(missing_ok=True)
        job = Job("empty", tasks=50)
        farm = self.coordinator(job)
        before = farm.descriptors()
        with Stranger(farm.address, "thief") as thief:
            thief.greet()
            self.assertEqual(thief.next_task()["task"], 0)
            said = {kind: message["task"], **{k: v for k, v in message.items() if k != "task"}}
            thief.send(*[said] * times)
            self.assertIn("error", thief.answers()[-1])
        self.assertTrue(wait_until(lambda: farm.descriptors() <= before))
        with Stranger(farm.address, "honest") as honest:
            honest.greet()
            honest.work()
        report = self.run_to_end(farm)
        self.assertEqual(report["workers gone"], 1)


class StrangeCoordinators(FarmTest):
    """A worker hangs up on one that does not keep to the protocol, and comes back."""

    def setUp(self):
        super().setUp()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(TIME_LIMIT)
        self.addCleanup(self.listener.close)

    def start(self, *options: str) -> subprocess.Popen:
        return self.worker(self.listener.getsockname(), *options)

    def host(self) -> Host:
        """At the worker's next visit."""
        return Host(self.listener.accept()[0])

    def assert_ends_well(self, worker: subprocess.Popen) -> None:
        with self.host() as host:
            host.greet()
            host.send({"done": True})
            self.assertEqual(worker.wait(TIME_LIMIT), 0)

    def test_it_comes_back(self):
        worker = self.start()
        for line in [
            b"hello", b"[]", b"{}", b'{"tusk":0,"job":{"kind":"empty"}}', b'{"task":0}',
            b'{"task":"0","job":{}}', b'{"error":"no"}', b'{"error":7}',
            b'{"ack":"x"}', b'{"task":0,"job":[]}', b"[" * 70_000, b'{"' + b"x" * 70_000,
            b'{"done":false}', b'{"done":1}',
        ]:  # fmt: skip
            with self.subTest(line[:40]), self.host() as host:
                host.greet()
                host.have_it_work()
                with contextlib.suppress(ConnectionError):
                    host.send(line)
                self.assertTrue(host.hung_up())
        self.assert_ends_well(worker)

    def test_nobody_in_between_can_make_something_of_a_line(self):
        worker = self.start()
        for attack in ATTACKS:
            with self.subTest(attack), self.host() as host:
                session = host.greet()
                host.have_it_work()
                said = attacks(session, "coordinator", "worker", host.outgoing.lines)[attack]
                host.socket.sendall(said)
                self.assertTrue(host.hung_up())
        self.assert_ends_well(worker)

    def test_it_takes_a_few_tasks_only(self):
        worker = self.start()
        with self.host() as host:
            host.greet()
            order = {"kind": "primes", "first": 0, "end": NUMBERS}
            with contextlib.suppress(ConnectionError):
                host.send(*({"task": task, "job": order} for task in range(100)))
            self.assertTrue(host.hung_up())
        self.assert_ends_well(worker)

    def test_it_lives_while_it_computes(self):
        """Signs of life come before the result of a task that takes very long."""
        self.start("--silence", SILENCE)
        with self.host() as host:
            host.greet()
            order = {"kind": "primes", "first": 0, "end": 1 << 50}
            host.send({"task": 0, "job": order})
            for _ in range(5):
                self.assertEqual(json.loads(host.line()), {"alive": True})

    def test_one_that_says_nothing_is_left(self):
        """Before the greeting and after it; then the worker gives up."""
        worker = self.start("--silence", "0.3", "--patience", "0.3")
        with self.host() as host:
            host.greet()
            host.have_it_work()
            self.assertTrue(host.hung_up())
        self.assert_gives_up(worker)

    def test_one_that_says_nothing_but_is_there_is_no_coordinator(self):
        self.assert_gives_up(self.start("--silence", "0.3", "--patience", "0.3"))

    def assert_gives_up(self, worker: subprocess.Popen) -> None:
        said, complaint = worker.communicate(timeout=TIME_LIMIT)
        self.assertEqual((worker.returncode, len(complaint.splitlines())), (3, 1), said + complaint)
        self.assertIn("nothing", complaint)

    def test_one_that_breaks_off_is_not_visited_without_end(self):
        """Its pauses grow to a second at most, half of it on average: few visits go into its patience."""
        worker = self.start("--patience", "2")
        visits = 0
        self.listener.settimeout(0.05)
        while worker.poll() is None:
            with contextlib.suppress(TimeoutError), self.host() as host:
                host.greet()
                visits += 1
        self.assertEqual(worker.returncode, 3)
        self.assertLessEqual(visits, 25)


class BadNetwork(FarmTest):
    """Real workers, behind a proxy that mistreats what passes; the coordinator says nothing of it."""

    def suffer(self, plan: Plan, rounds: int, job: Job) -> collections.Counter:
        """Returns the faults."""
        faults: collections.Counter[str] = collections.Counter()
        connections = gone = 0
        for number in range(rounds if not self.sanitized else 1):
            self.journal.unlink(missing_ok=True)
            self.workers.clear()
            farm = self.coordinator(job, silence=SILENCE)
            keeper = self.keeper(farm)
            before = farm.descriptors()
            with Proxy(farm.address, plan, SEED + number) as proxy:
                for _ in range(4):
                    self.worker(proxy.address, "--silence", SILENCE)
                self.wait_for_tasks(len(job.results()) - 1)
                for worker in self.workers:
                    worker.terminate()
                self.assertTrue(wait_until(lambda: farm.descriptors() <= before), "some are left")
                keeper.let_go()
                gone += self.run_to_end(farm, end_workers=True)["workers gone"]
            faults += proxy.faults
            connections += proxy.connections
        print(f"{sum(faults.values())} faults: {dict(faults)}; {connections} connections, {gone} lost")
        return faults

    def test_delays_splits_and_joins(self):
        self.suffer(Plan(delay=0.3, split=0.5, join=0.5), 2, Job(tasks=1500))

    def test_cuts(self):
        plan = Plan(cut=0.8, reset=0.8, within=4000)
        faults = self.suffer(plan, 4, Job(tasks=3000, poison=1))
        self.assertGreater(min(faults["cut"], faults["reset"]), 3)

    def test_corrupt_bytes(self):
        faults = self.suffer(Plan(corrupt=0.3), 4, Job(tasks=1500))
        self.assertGreater(faults["corrupt"], 10)

    def test_all_at_once(self):
        plan = Plan(delay=0.1, split=0.3, join=0.2, corrupt=0.1, cut=0.4, reset=0.4, within=4000)
        self.suffer(plan, 10, Job(tasks=1500, poison=1))


if __name__ == "__main__":
    FarmTest.chapter = Path(sys.argv.pop(1)).resolve()
    room.enter(FarmTest.chapter)
    FarmTest.sanitized = sys.argv.pop(1) == "sanitized"
    SlowDisk.library = str(Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)
