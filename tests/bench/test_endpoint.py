from bench.endpoint import Target


def test_a_target_is_judged_by_the_median_and_by_rounds_that_are_far_above() -> None:
    target = Target("this project", "CPU", "floor", 1.0)

    assert target.is_reached([0.9, 0.9, 1.0, 1.1, 1.1])
    assert not target.is_reached([0.9, 0.9, 1.1, 1.1, 1.1])
    assert target.is_reached([0.9, 0.9, 0.9, 0.9, 1.3])
    assert not target.is_reached([0.9, 0.9, 0.9, 1.3])
