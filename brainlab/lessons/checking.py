"""The engine behind ``check.<name>(answer)``: three outcomes, graded hints, a solution, and never an exception.

A check is a function that looks at *properties* of an answer and raises ``Wrong`` with what it can say of it:

    @check.add(lesson="02", hints=["...", "..."], solution="def sse(x, x_hat): ...")
    def sse(answer): ...            # return a sentence on what the answer now means, or raise Wrong
"""

import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from brainlab.lessons import journal
from brainlab.lessons.answers import Blank, Wrong, is_blank, kind
from brainlab.lessons.messages import Message

Outcome = Literal["correct", "incorrect", "not attempted"]
HEADINGS: dict[Outcome, str] = {"correct": "Correct", "incorrect": "Not yet", "not attempted": "Not attempted"}


@dataclass(frozen=True, repr=False)
class Result(Message):
    """What a check found: a message that also carries its outcome."""

    outcome: Outcome = "not attempted"


class Check:
    """One exercise: call it with an answer; ``hint()`` shows the next hint at each call, ``solution()`` one answer."""

    def __init__(self, verify: Callable[[Any], str], lesson: str, hints: Sequence[str], solution: str) -> None:
        self.name, self.lesson, self._verify = verify.__name__, lesson, verify
        self._hints, self._solution, self._shown = tuple(hints), inspect.cleandoc(solution), 0
        self.__doc__ = verify.__doc__

    def __call__(self, answer: Any = None) -> Result:
        """Correct, incorrect or not attempted, whatever the answer is; only an interrupt gets through."""
        outcome, text = self._judge(answer)
        if outcome != "not attempted":
            trouble = journal.write("check", f"{self.lesson}.{self.name}", outcome=outcome, answer=_written(answer))
            text = f"{text}\n\n{trouble}" if trouble else text
        return Result(HEADINGS[outcome], text, outcome=outcome)

    def _judge(self, answer: Any) -> tuple[Outcome, str]:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"), torch.random.fork_rng(devices=[]):
                warnings.simplefilter("ignore")
                if is_blank(answer):
                    raise Blank
                return "correct", self._verify(answer)
        except Blank:
            return "not attempted", f"Replace the `...` and run the cell again; `check.{self.name}.hint()` helps."
        except Wrong as wrong:
            return "incorrect", str(wrong)
        except (Exception, SystemExit) as error:  # whatever a learner's code raises is a message, not a traceback
            return "incorrect", f"Your answer stopped with {type(error).__name__}: {_first_line(error)}"

    def hint(self) -> Message:
        """The next hint; after the last one, how to see the solution."""
        if self._shown == len(self._hints):
            return Message("No more hints", f"`check.{self.name}.solution()` shows one way to do it.")
        self._shown += 1
        return Message(f"Hint {self._shown} of {len(self._hints)}", self._hints[self._shown - 1])

    def solution(self) -> Message:
        """One answer; others may be as right."""
        return Message("One solution", "", self._solution)

    def __repr__(self) -> str:
        return f"check.{self.name}(your answer), check.{self.name}.hint(), check.{self.name}.solution()"


class Checks:
    """All checks by name: ``check.sse(answer)``."""

    def __init__(self) -> None:
        self.all: dict[str, Check] = {}

    def add(self, lesson: str, hints: Sequence[str], solution: str) -> Callable[[Callable[[Any], str]], Check]:
        """Decorator that makes a verifying function a check under its own name, taken by no other lesson."""

        def made(verify: Callable[[Any], str]) -> Check:
            name = verify.__name__
            if name in self.all and self.all[name].lesson != lesson:
                raise ValueError(f"Lesson {self.all[name].lesson} has a check called {name} already.")
            self.all[name] = Check(verify, lesson, hints, solution)
            return self.all[name]

        return made

    def __getattr__(self, name: str) -> Check:
        known = self.__dict__.get("all", {})
        if name not in known:
            raise AttributeError(f"There is no check called {name}; there are {', '.join(known)}.")
        return known[name]

    def __dir__(self) -> list[str]:
        return sorted(self.all)


check = Checks()


def _first_line(error: BaseException) -> str:
    try:
        return str(error).split("\n")[0][:300] or "no message"
    except Exception:  # a learner's own exception class may have a broken __str__; the check still has to answer
        return "no message"


def _written(answer: Any) -> str:
    """The learner's answer as they wrote it, to look back at; at most 2,000 characters."""
    try:
        return (inspect.getsource(answer) if inspect.isfunction(answer) else repr(answer))[:2000]
    except Exception:  # a learner's own __repr__ may raise anything, and no source is at hand for a lambda in a shell
        return f"({kind(answer)}, source not available)"
