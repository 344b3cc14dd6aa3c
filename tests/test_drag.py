"""What the measurement of a drag makes of its numbers, worked by hand."""

import pytest

from tests.benchmarks.drag import REACH, SECONDS, SPEED, Drag, summary, way


def drags(canvas: tuple[float, ...], inline: tuple[float, ...], blank: int = 0) -> dict[str, list[Drag]]:
    return {
        "canvas": [Drag(fps, blank, 40.0, True) for fps in canvas],
        "inline": [Drag(fps, 3, 200.0, False) for fps in inline],
    }


def test_the_ratio_is_the_median_of_the_pairs_and_blank_frames_are_all_that_ours_had():
    ratio, details = summary(drags((9, 6, 8), (3, 3, 2), blank=1), drags((10, 10, 10), (5, 5, 4)))
    assert ratio == 3  # of 3, 2 and 4
    assert details["drag_fps_ratio_64"] == 2
    assert details["drag_blank_frames"] == 3
    assert details["settle_ratio"] == pytest.approx(0.2)
    assert details["drag_last_frame_wrong"] == 0
    assert details["drag_inline_last_frame_wrong"] == 6
    assert details["drag_canvas_fps"] == 8


def test_the_hand_begins_in_the_middle_turns_at_the_reach_and_stays_within_it():
    quarter = REACH / SPEED
    assert [way(k * quarter) for k in range(5)] == pytest.approx([0, 1, 0, -1, 0])
    assert abs(way(SECONDS)) <= 1
    assert way(SECONDS) != pytest.approx(0, abs=0.1)  # a drag that ended where it began would hide a wrong last frame
