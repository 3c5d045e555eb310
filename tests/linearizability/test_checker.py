"""The checker finds what no order explains, and nothing else."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.linearizability.checker import Undecided, check
from tests.linearizability.history import UNKNOWN, Operation
from tests.linearizability.model import (
    DONE,
    FAILURE,
    MISSING,
    SUCCESS,
    TAKEN,
    Change,
    Create,
    Delete,
    Entry,
    Flow,
    Get,
    Import,
    List,
)


def flow(slug, name, title=None):
    return Flow(slug, name, title or name)


def flows(*some):
    return frozenset(some)


def history(*lines):
    """Operations from lines of begin, end, call, result; the end is None if there is no result."""
    return [
        Operation(number, number, call, begin, math.inf if end is None else end, result)
        for number, (begin, end, call, result) in enumerate(lines, 1)
    ]


def both(state, name):
    """An import of two flows as one operation; the second one has a state."""
    return Import((Entry("present", flow("a", name)), Entry(state, flow("b", name))))


A1, A2 = flow("a", "1"), flow("a", "2")
B1, B2 = flow("b", "1"), flow("b", "2")
CREATE = (0, 1, Create(A1), A1)
WRITE_BOTH = (0, 1, both("present", "1"), SUCCESS)

EXPLAINED = {
    "one after the other": [CREATE, (2, 3, Get("a"), A1), (4, 5, Delete("a"), DONE), (6, 7, Get("a"), MISSING)],
    "a read that overlaps a change sees either": [
        CREATE,
        (2, 9, Change("a", (("name", "2"), ("title", "2"))), A2),
        (3, 4, Get("a"), A1),
        (5, 6, Get("a"), A2),
    ],
    "a change whose beginning and end are another's": [
        CREATE,
        (2, 3, Change("a", (("name", "2"),)), flow("a", "2", "1")),
        (3, 4, Change("a", (("title", "2"),)), A2),
        (4, 5, Get("a"), A2),
    ],
    "two changes of different members": [
        CREATE,
        (2, 5, Change("a", (("name", "2"),)), A2),
        (2, 5, Change("a", (("title", "2"),)), flow("a", "1", "2")),
    ],
    "two creations of one flow": [(0, 9, Create(A1), TAKEN), (0, 9, Create(A2), A2)],
    "two renames to one slug": [
        WRITE_BOTH,
        (2, 9, Change("a", (("slug", "c"),)), flow("c", "1")),
        (2, 9, Change("b", (("slug", "c"),)), TAKEN),
        (10, 11, List(), flows(B1, flow("c", "1"))),
    ],
    "an unknown outcome that took place": [CREATE, (2, None, Delete("a"), UNKNOWN), (5, 6, Get("a"), MISSING)],
    "an unknown outcome that did not": [CREATE, (2, None, Delete("a"), UNKNOWN), (5, 6, Get("a"), A1)],
    "an unknown outcome that took place late": [
        CREATE,
        (2, None, Delete("a"), UNKNOWN),
        (5, 6, Get("a"), A1),
        (7, 8, Get("a"), MISSING),
    ],
    "an import that deletes": [
        WRITE_BOTH,
        (2, 9, both("absent", "2"), SUCCESS),
        (3, 4, List(), flows(A1, B1)),
        (5, 6, List(), flows(A2)),
    ],
    "an import that must create what is there": [
        CREATE,
        (2, 3, both("present", "2"), SUCCESS),
        (4, 5, both("must_created", "3"), FAILURE),
        (6, 7, List(), flows(A2, B2)),
    ],
    "an import that creates what is missing": [
        CREATE,
        (2, 3, Import((Entry("created", A2), Entry("created", B2))), SUCCESS),
        (4, 5, List(), flows(A1, B2)),
    ],
}

UNEXPLAINED = {
    "a stale read": ([CREATE, (2, 3, Change("a", (("name", "2"), ("title", "2"))), A2), (4, 5, Get("a"), A1)], 3),
    "a read of what comes later": ([(0, 1, Get("a"), A2), (2, 3, Create(A2), A2)], 1),
    "a value that nobody wrote": ([CREATE, (2, 3, Get("a"), A2)], 2),
    "a read that goes back": (
        [CREATE, (2, 9, Change("a", (("name", "2"), ("title", "2"))), A2), (3, 4, Get("a"), A2), (5, 6, Get("a"), A1)],
        4,
    ),
    "a lost update": (
        [
            CREATE,
            (2, 9, Change("a", (("name", "2"),)), flow("a", "2", "1")),
            (2, 9, Change("a", (("title", "2"),)), flow("a", "1", "2")),
        ],
        3,
    ),
    "an update that is overwritten later": (
        [
            CREATE,
            (2, 9, Change("a", (("name", "2"),)), flow("a", "2", "1")),
            (2, 9, Change("a", (("title", "2"),)), A2),
            (10, 11, Get("a"), flow("a", "1", "2")),
        ],
        4,
    ),
    "a torn import": ([WRITE_BOTH, (2, 9, both("present", "2"), SUCCESS), (3, 4, List(), flows(A2, B1))], 3),
    "a torn import that deletes": (
        [WRITE_BOTH, (2, 9, both("absent", "2"), SUCCESS), (3, 4, Get("b"), MISSING), (5, 6, Get("a"), A1)],
        4,
    ),
    "an import that is undone": ([WRITE_BOTH, (2, 3, both("absent", "2"), SUCCESS), (4, 5, List(), flows(A2, B1))], 3),
    "an import that fails, and is there": (
        [CREATE, (2, 3, Import((Entry("present", A2), Entry("must_created", A2))), FAILURE), (4, 5, Get("a"), A2)],
        3,
    ),
    "imports that each miss the other's flow": (
        [
            (0, 9, Import((Entry("present", A1, unless="b"),)), SUCCESS),
            (0, 9, Import((Entry("present", B1, unless="a"),)), SUCCESS),
            (10, 11, List(), flows(A1, B1)),
        ],
        3,
    ),
    "a phantom in a list": ([CREATE, (2, 3, Delete("a"), DONE), (4, 5, List(), flows(A1))], 3),
    "a flow that a list misses": ([CREATE, (2, 3, List(), flows())], 2),
    "a list of two moments": (
        [CREATE, (2, 9, Create(B1), B1), (3, 4, Get("b"), B1), (5, 6, Delete("a"), DONE), (5, 9, List(), flows())],
        5,
    ),
    "a rename that is seen in part": (
        [CREATE, (2, 9, Change("a", (("slug", "b"),)), B1), (3, 4, List(), flows(A1, B1))],
        3,
    ),
    "an acknowledged write that vanishes": ([CREATE, (2, 3, Get("a"), MISSING)], 2),
    "an acknowledged deletion that comes back": ([CREATE, (2, 3, Delete("a"), DONE), (4, 5, Create(A2), TAKEN)], 3),
    "an unknown outcome that comes and goes": (
        [CREATE, (2, None, Delete("a"), UNKNOWN), (5, 6, Get("a"), MISSING), (7, 8, Get("a"), A1)],
        4,
    ),
    "an unknown outcome that takes place twice": (
        [
            CREATE,
            (2, None, Delete("a"), UNKNOWN),
            (3, 4, Get("a"), MISSING),
            (5, 6, Create(A2), A2),
            (7, 8, Get("a"), MISSING),
        ],
        5,
    ),
    "a response that is none of the operation's": ([CREATE, (2, 3, Get("a"), "500 {}")], 2),
}


@pytest.mark.parametrize("lines", EXPLAINED.values(), ids=EXPLAINED)
def test_a_history_that_an_order_explains_is_accepted(lines):
    assert check(history(*lines)) is None


@pytest.mark.parametrize(("lines", "number"), UNEXPLAINED.values(), ids=UNEXPLAINED)
def test_a_history_that_no_order_explains_is_found(lines, number):
    assert check(history(*lines)).operation.number == number


def test_a_violation_shows_what_matters_and_no_more():
    many = [(10 + n, 11 + n, Get("a"), A1) for n in range(100)]
    late = [(200, 230, Change("a", (("name", "102"),)), flow("a", "102", "1")), (201, 229, Get("b"), MISSING)]
    stale = [(240, 241, Get("a"), A1), (250, 251, Get("a"), A1)]
    violation = check(history(CREATE, *many, *late, *stale))
    assert [one.number for one in violation.window] == [104]
    assert [one.number for one in violation.earlier] == [1]
    assert str(violation).splitlines() == [
        "No order explains the result of #104: get a.",
        "Before, the flows (slug=name/title) were one of:",
        "    {a=102/1}",
        "Then:",
        "  > #104   client 104     0.000 to  1000.000 ms  get a -> a=1/1",
        "Earlier, what the result shows was written by:",
        "    #1     client 1   -240000.000 to -239000.000 ms  create a=1/1 -> a=1/1",
    ]


def test_a_search_that_takes_too_much_is_given_up():
    slugs = [str(number) for number in range(20)]
    created = [(0, None, Create(flow(slug, slug)), UNKNOWN) for slug in slugs]
    with pytest.raises(Undecided):
        check(history(*created, (1, 2, Get("a"), A1)), most=1000)


CALLS = st.one_of(
    st.builds(Create, st.sampled_from([A1, A2, B1])),
    st.builds(Change, st.sampled_from("ab"), st.sampled_from([(("slug", "b"),), (("name", "2"),), (("title", "3"),)])),
    st.builds(Delete, st.sampled_from("ab")),
    st.builds(both, st.sampled_from(["present", "created", "must_created", "absent"]), st.just("4")),
    st.builds(Get, st.sampled_from("ab")),
    st.just(List()),
)
# Which call, when it begins and ends, when it takes effect, whether its result is known, and whether it took place if it is not.
LINES = st.tuples(CALLS, st.integers(0, 9), st.integers(0, 9), st.floats(0, 1), st.booleans(), st.booleans())


@st.composite
def histories(draw, most):
    """Histories of a sequential store, whose operations take effect between their beginning and their end."""
    some = draw(st.lists(LINES, min_size=1, max_size=most))
    planned = []
    for call, begin, length, when, known, took_place in some:
        # Odd numbers begin, even ones end: no two events that matter are at once.
        begin, end = 2 * begin + 1, 2 * (begin + length) + 2
        planned.append((begin + when * (end - begin), begin, end, call, known or draw(st.booleans()), took_place))
    state, operations = frozenset(), []
    for number, (_, begin, end, call, known, took_place) in enumerate(sorted(planned, key=lambda one: one[0]), 1):
        after, result = call.apply(state)
        if known or took_place:
            state = after
        operations.append(
            Operation(number, number, call, begin, end if known else math.inf, result if known else UNKNOWN)
        )
    return operations


def explained_by_trying(operations):
    """Whether any order of any choice of the operations explains their results, by trying all."""
    known = [one for one in operations if one.known]
    open_ones = [one for one in operations if not one.known]
    for count in range(len(open_ones) + 1):
        for chosen in itertools.combinations(open_ones, count):
            for order in itertools.permutations([*known, *chosen]):
                state, fits = frozenset(), True
                for place, one in enumerate(order):
                    state, result = one.call.apply(state)
                    in_time = all(one.invoked <= later.returned for later in order[place + 1 :])
                    if not in_time or (one.known and result != one.result):
                        fits = False
                        break
                if fits:
                    return True
    return False


@settings(max_examples=100)
@given(histories(most=15))
def test_every_history_of_a_sequential_store_is_accepted(operations):
    assert check(operations) is None


@settings(max_examples=300)
@given(histories(most=4), st.data())
def test_the_search_agrees_with_trying_all_orders(operations, data):
    wrong = data.draw(st.sampled_from(operations))
    if wrong.known:
        wrong.result = data.draw(
            st.sampled_from([A1, A2, B1, DONE, MISSING, TAKEN, SUCCESS, FAILURE, flows(), flows(A1)])
        )
    assert (check(operations) is None) == explained_by_trying(operations)
