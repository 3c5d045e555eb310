"""The reports of `flows coverage`."""

from xml.etree import ElementTree as ET

from app.cli.coverage_reports import as_annotations, as_details, as_junit, as_summary


def operation(name, tag, calls, exercised, *missing):
    return {
        "operation": name,
        "tags": [tag] if tag else [],
        "contract": "openapi/a.yaml:3:5",
        "calls": calls,
        "points": exercised + len(missing),
        "exercised": exercised,
        "missing": list(missing),
    }


def coverage(*operations):
    points, exercised = (sum(one[key] for one in operations) for key in ("points", "exercised"))
    return {"points": points, "exercised": exercised, "percent": 50.0, "operations": operations}


FEW = coverage(
    operation("flows_list", "flows", 2, 3, "status 403"),
    operation("flows_create", "flows", 0, 0, "status 201", "member name"),
    operation("plain", "", 1, 1),
)


def test_a_summary_has_the_tags_and_the_operations_with_calls():
    assert as_summary(FEW, 0).splitlines() == [
        "no tag: 1 of 1 operations called, 1 of 1 points",
        "flows: 1 of 2 operations called, 3 of 6 points",
        "  flows_list: 3 of 4; never status 403",
        "4 of 7 exercised: 50.0 %",
    ]


def test_a_summary_has_at_most_40_lines_of_120_characters():
    many = [operation(f"list_{number}", f"tag {number}", 1, 0, *(30 * ["parameter x"])) for number in range(99)]
    lines = as_summary(coverage(*many), 0).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 120
    assert "and 85 more tags" in lines
    assert "  and 79 more operations with calls; --format details lists everything" in lines


def test_details_list_all_that_is_missing():
    assert as_details(FEW, 0).splitlines() == [
        "flows_list: 3 of 4, 2 calls",
        "  never: status 403",
        "flows_create: 0 of 2, 0 calls",
        "  never: status 201",
        "  never: member name",
        "4 of 7 exercised: 50.0 %",
    ]


def test_junit_fails_the_operations_below_the_threshold():
    suites = ET.fromstring(as_junit(FEW, 75).partition("\n")[2])
    assert suites.attrib == {"tests": "3", "failures": "1"}
    cases = {case.get("name"): case for case in suites.iter("testcase")}
    assert cases.keys() == {"flows_list", "flows_create", "plain"}
    (failed,) = cases["flows_create"]
    assert (failed.get("message"), failed.text) == ("0 of 2 exercised", "never: status 201\nnever: member name")
    assert list(cases["flows_list"]) == []


def test_annotations_stand_at_the_line_of_the_operation():
    first, second, last = as_annotations(FEW, 0).splitlines()
    assert first == "::warning file=openapi/a.yaml,line=3,col=5,title=flows_list::never status 403"
    assert "title=flows_create" in second
    assert last == "::notice title=Coverage of the contract::4 of 7 exercised: 50.0 %25"
