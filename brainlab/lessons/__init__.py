"""What the notebooks ask of a learner: checked exercises, predictions, quizzes, and how far they have come.

from brainlab import lessons
from brainlab.lessons import check

lessons.predict("02.bottleneck", "Which ...?", choices=["...", "..."])   # kept in the learner's own file
check.sse(sse)                                                          # correct, incorrect or not attempted
check.sse.hint()                                                        # each call shows the next hint
lessons.reveal("02.bottleneck", truth)                                  # what did you expect?
lessons.progress()
lessons.calibration()                                                   # how sure you were, and how often right
lessons.export(name="a name of your choice")                            # a table to hand in; nothing is sent
"""

from brainlab.lessons import autoencoders, cnns, gans, meet_the_brain, naming, own_brain, showdown, vaegans, vaes
from brainlab.lessons.asking import predict, quiz, reveal
from brainlab.lessons.calibrating import calibration
from brainlab.lessons.checking import check
from brainlab.lessons.handing_in import export
from brainlab.lessons.journal import folder
from brainlab.lessons.opening import open_scan
from brainlab.lessons.picture import progress
from brainlab.lessons.practice import practice_scan, with_skull
from brainlab.lessons.story import keep_row, patient, table, tumours
from brainlab.lessons.whole_class import classroom

__all__ = [
    "autoencoders",
    "calibration",
    "check",
    "classroom",
    "cnns",
    "export",
    "folder",
    "gans",
    "keep_row",
    "meet_the_brain",
    "naming",
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
