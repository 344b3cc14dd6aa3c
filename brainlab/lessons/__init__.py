"""What the notebooks ask of a learner: checked exercises, predictions, quizzes, and how far they have come.

from brainlab import lessons
from brainlab.lessons import check

lessons.predict("02.bottleneck", "Which ...?", choices=["...", "..."])   # kept in the learner's own file
check.sse(sse)                                                          # correct, incorrect or not attempted
check.sse.hint()                                                        # each call shows the next hint
lessons.reveal("02.bottleneck", truth)                                  # what did you expect?
lessons.progress()
"""

from brainlab.lessons import autoencoders, cnns, gans, meet_the_brain, own_brain, showdown, vaegans, vaes
from brainlab.lessons.asking import predict, quiz, reveal
from brainlab.lessons.checking import check
from brainlab.lessons.journal import folder
from brainlab.lessons.opening import open_scan
from brainlab.lessons.picture import progress
from brainlab.lessons.practice import practice_scan, with_skull
from brainlab.lessons.story import keep_row, patient, table, tumours

__all__ = [
    "autoencoders",
    "check",
    "cnns",
    "folder",
    "gans",
    "keep_row",
    "meet_the_brain",
    "open_scan",
    "own_brain",
    "patient",
    "practice_scan",
    "predict",
    "progress",
    "quiz",
    "reveal",
    "showdown",
    "table",
    "tumours",
    "vaegans",
    "vaes",
    "with_skull",
]
