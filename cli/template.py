"""``keyong job template``: jobs with parameters that owners agree to beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cli import render
from cli.session import Session, pass_session, say
from service.client import jobfiles

Json = Mapping[str, Any]


@click.group()
def template() -> None:
    """Jobs with parameters that owners agree to beforehand."""


@template.command("add")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@pass_session
def add(session: Session, path: Path) -> None:
    """Store a template (YAML, kind: JobTemplate), or a new text of one of yours."""
    answer = session.gatekeeper.template_add(session.principal(), jobfiles.text_of(path), str(path))
    if render.answer_json(session, answer):
        return
    said = "template.replaced" if answer["replaced"] else "template.added"
    render.lines(say(said, name=answer["template"], datasets=answer["datasets"]))
    render.facts([("cli.head-digest", answer["digest"])])


@template.command("list")
@pass_session
def list_templates(session: Session) -> None:
    """List the templates whose datasets you all see."""
    answer = session.gatekeeper.template_list(session.principal())
    if render.answer_json(session, answer):
        return
    headings = [
        ("cli.head-name", "left"),
        ("cli.head-who", "left"),
        ("cli.head-dataset", "left"),
        ("template.head-approved", "left"),
    ]
    rows = [
        (
            one["name"],
            one["added_by"],
            ", ".join(each["dataset"] for each in one["datasets"]),
            ", ".join(each["dataset"] for each in one["datasets"] if each["approved"]) or "–",
        )
        for one in answer["templates"]
    ]
    render.keyed(headings, rows)


@template.command("show")
@click.argument("name")
@pass_session
def show(session: Session, name: str) -> None:
    """Show what a template asks, which values it takes, and who has agreed to it."""
    answer = session.gatekeeper.template_show(session.principal(), name)
    if render.answer_json(session, answer):
        return
    if answer["description"]:
        render.lines(answer["description"], "")
    render.lines(answer["sql"].rstrip(), "")
    amount = f"ε {answer['epsilon']}" if answer["epsilon"] else f"± {', '.join(answer['errors'])}"
    render.facts(
        [
            ("cli.head-name", answer["name"]),
            ("cli.head-who", answer["added_by"]),
            ("cli.head-purpose", answer["purpose"]),
            ("cli.head-cost", amount),
            *(("cli.head-dataset", _agreed(each)) for each in answer["datasets"]),
            ("cli.head-digest", answer["digest"]),
        ]
    )
    render.out("")
    headings = [("template.head-parameter", "left"), ("template.head-values", "left")]
    render.keyed(headings, [(f"${it['name']}", _values(it)) for it in answer["parameters"]])


def _values(parameter: Json) -> str:
    if parameter["kind"] == "category":
        return say("template.category-of", column=parameter["values"])
    return str(parameter["values"])


def _agreed(dataset: Json) -> str:
    said = "template.agreed" if dataset["approved"] else "template.not-agreed"
    return say(said, dataset=dataset["dataset"], owner=dataset["owner"])


@template.command("approve")
@click.argument("name")
@click.option("--digest", required=True, help="Of the template that you have read: `show` prints it.")
@pass_session
def approve(session: Session, name: str, digest: str) -> None:
    """Agree beforehand to every job of a template on your datasets, until it or the policy changes."""
    answer = session.gatekeeper.template_approve(session.principal(), name, digest)
    if not render.answer_json(session, answer):
        render.lines(say("template.approved", name=name, datasets=answer["approved"]))


@template.command("withdraw")
@click.argument("name")
@pass_session
def withdraw(session: Session, name: str) -> None:
    """Take your yes to a template back: its jobs wait for you again, until you agree under another policy."""
    answer = session.gatekeeper.template_withdraw(session.principal(), name)
    if not render.answer_json(session, answer):
        render.lines(say("template.withdrawn", name=name, datasets=answer["withdrawn"]))
