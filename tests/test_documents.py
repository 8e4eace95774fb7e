"""The papers say what is so: commands and links exist, every metric and outcome has its line."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from webhooks import metrics
from webhooks.outcome import Outcome

ROOT = Path(__file__).parent.parent
PAPERS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DOCUMENTED = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def anchors(paper: Path) -> set[str]:
    """The addresses of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", paper.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_link_inside_the_project_leads_somewhere(paper):
    for target in LINK.findall(paper.read_text()):
        path, _, anchor = target.partition("#")
        if not path.startswith("http"):
            there = (paper.parent / path).resolve() if path else paper
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_make_target_and_command_that_is_named_exists(paper):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = paper.read_text()

    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md"])
def test_every_setting_that_is_named_exists(name):
    named = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)[`=]", (ROOT / name).read_text()))

    assert len(named) > 8
    assert named <= DOCUMENTED


@pytest.mark.django_db
def test_every_metric_has_its_line():
    names = set(
        re.findall(r"^# HELP (\w+)", (metrics.of_host() + metrics.of_database()).decode(), re.MULTILINE)
    )
    ours = {
        name
        for name in names
        if not name.startswith(("python_", "process_")) and not name.endswith("_created")
    }

    assert len(ours) > 8
    assert {name for name in ours if not re.search(rf"`{name}[`{{]", OPERATIONS)} == set()


@pytest.mark.parametrize("outcome", Outcome, ids=lambda outcome: outcome.label)
def test_every_outcome_of_a_webhook_is_explained(outcome):
    assert f"`{outcome.label}`" in OPERATIONS


@pytest.mark.parametrize("state", ["ok", "degraded", "failing"])
def test_every_state_of_the_probe_is_explained(state):
    assert f'"{state}"' in (ROOT / "config" / "health.py").read_text()
    assert f"| `{state}`" in OPERATIONS


def test_the_glossary_gives_every_word_a_meaning_and_a_word_to_avoid():
    rows = [
        line for line in (ROOT / "docs" / "glossary.md").read_text().splitlines() if line.startswith("| ")
    ][1:]
    words = [row.split("|")[1].strip().lower() for row in rows]

    assert words == sorted(words)
    assert [row for row in rows if len([cell for cell in row.split("|") if cell.strip()]) != 3] == []


def test_every_decision_is_listed_by_its_title_and_says_what_was_decided():
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    for paper in sorted((ROOT / "docs" / "adr").glob("0*.md")):
        title, text = paper.read_text().split("\n", 1)
        assert f"| [{paper.name[:4]}]({paper.name}) | {title.removeprefix('# ')} |" in index
        assert "**Decision.**" in text
        assert len(text.split()) < 400, paper.name


def test_the_screenshot_is_a_picture_of_a_page():
    picture = (ROOT / "docs" / "screens" / "form-with-preview.png").read_bytes()

    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20]) >= 1000  # pixels wide
