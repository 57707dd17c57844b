"""What says of a person what others should not learn, where it is among the values of a column.

Kinds of persons, cards, tickets and benefits (``残疾人卡``, ``刑满释放人员``) name disability or conviction,
whatever their column is called and however few of them do.  In a table about persons such a column says it of
those in whose rows they stand.  A value is looked at as a whole: a centre for the disabled is no person.
Bases of DNA and genotypes, too, are nobody's business, if they are a person's.
"""

from __future__ import annotations

import re
from typing import Any, Final

from classifiers.evidence import checks
from classifiers.evidence.evidence import Evidence, tenths
from classifiers.evidence.sample import ColumnSample, some
from sandbox.schema import Kind

SOURCE: Final = "telling"
FEW: Final = 40
"""Different values up to which a column is one of kinds."""
_FEWEST_ROWS: Final = 10
_LOOKED_AT: Final = 200
_WEIGHT: Final = 0.8
_OF_HEALTH = (
    r"残疾|伤残|残障|肢残|智残|智障|听障|视障|盲人|聋人|聋哑|半?失能|失智|精神(?:障碍|疾病|病|残疾)|精神分裂症|抑郁症"
    r"|双相障碍|癫痫|自闭症|孤独症|艾滋病?|HIV|乙肝|梅毒|尘肺病?|孕产?妇|同性恋|双性恋|异性恋"
)
_OF_OFFENCES = r"刑满释放|刑释(?:解教)?|社区矫正|社矫|缓刑|假释|吸毒|戒毒|涉毒|服刑|前科|有?犯罪"
_GRADE = r"[(]?[一二三四1-4]级[)]?"
_WHOM = r"(?:感染|患|病)?(?:人[员士]?|者|对象|军人|儿童|青少年|学生|老年?人|职工|家庭|户)"
_WHAT = r"(?:卡|票|证|类别?|等?级|优待|优惠|免费|专用|记录|史|状态|补贴|补助|津贴|阳性|阴性)"
_BEFORE = (
    r"(?:有|无|非|是|曾|原|持|持证|其他|严重|重性|重度|轻度|中度|肢体|视力|听力|言语|智力|精神|多重|社区|强制隔离|在册|爱心卡)?"
    rf"(?:{_GRADE})?[(]?"
)
_BEHIND = rf"(?:{_GRADE})?{_WHOM}?(?:{_GRADE})?{_WHAT}{{0,2}}[)]?"
_PERSONS = r"(?:adult|child|customer|passenger|people|person|student|veteran)(?:ren|s)?"
_DISABLED = (
    rf"{_PERSONS} with (?:a )?disabilit(?:y|ies)|disabled {_PERSONS}|disability(?: benefits?| pension)?"
    r"|wheelchair users?|mentally ill|hiv[- ]positive|pregnant(?: wom[ae]n)?"
    r"|(?:schwer)?behinderte?r?(?: mensch(?:en)?)?|schwerbehindert"
    r"|(?:personnes? )?(?:handicapée?s?|en situation de handicap)"
    r"|(?:personas? )?(?:con discapacidad|discapacitad[oa]s?)"
    r"|gay|lesbian|(?:homo|hetero|bi|a)sexual|lesbisch|schwul|(?:homo|hetero|bi|a)sexuell"
    r"|lesbienne|(?:homo|h[ée]t[ée]ro|bi|a)sexuele?l?e?|lesbiana"
)
_CONVICTED = (
    r"ex[- ](?:offender|convict|prisoner)s?|convicted|(?:on )?(?:probation|parole)|probationers?|parolees?"
    r"|(?:prison )?inmates?|prisoners?|felons?|vorbestraft|strafgefangene[rn]?|drug addicts?"
)
_WORDS: Final = (
    ("pi.health", "words-of-health", rf"(?i)^(?:{_BEFORE}(?:{_OF_HEALTH}){_BEHIND}|{_DISABLED})$"),
    ("pi.criminal", "words-of-offences", rf"(?i)^(?:{_BEFORE}(?:{_OF_OFFENCES}){_BEHIND}|{_CONVICTED})$"),
)


_GENES: Final = "pi.biometric"
_BASES: Final = r"(?i)^[ACGTUN]{20,}$"
_GENOTYPES: Final = r"^(?:[ACGT]{2}|[ACGT][/|][ACGT]|[012][/|][012]|\.[/|]\.|--)$"
_ALLELES: Final = ("AC", "AG", "AT", "CG", "CT", "GT", "01")
_MOSTLY, _NEARLY_ALL = 0.6, 0.9
RULES: Final = frozenset({"bases", "genotypes", "marker", *(rule for _, rule, _ in _WORDS)})
WHATEVER: Final = frozenset({"genotypes", "marker"})
"""Rules that speak whatever the table is about: a file of somebody's variants seems to be about these."""
_MARKER: Final = re.compile(
    r"(?i)rs\d{4,}(?:[_.][ACGTDI]+)*|cg\d{8}|D(?:\d{1,2}|X|Y)S\d{2,5}|apoe|hla[-_ ]?(?:[ABC]|d[pqr][ab]?\d?)"
)
"""Names of places of the genome where people differ: single bases, methylation, repeats, some genes."""


def telling_evidence(name: str, sample: ColumnSample) -> tuple[Evidence, ...]:
    """Return what the *name* and the values of a column say that is sensitive of persons.

    All but `WHATEVER` it stands beside only if the table is about persons.
    """
    if _MARKER.fullmatch(name.strip()):
        return (Evidence(_GENES, SOURCE, "marker", _WEIGHT),)
    values = some(sample.plain, _LOOKED_AT).drop_null()
    if sample.kind is not Kind.STRING or sample.rows < _FEWEST_ROWS or not len(values):
        return ()
    found = {(_GENES, "bases"): _share(values, _BASES, _MOSTLY)}
    if sample.distinct <= FEW:
        found |= {(tag, rule): _share(values, regex) for tag, rule, regex in _WORDS}
        found[_GENES, "genotypes"] = _genotypes(values)
    return tuple(
        Evidence(tag, SOURCE, rule, _WEIGHT, tenths(share)) for (tag, rule), share in found.items() if share
    )


def _share(values: Any, regex: str, least: float = 0.0) -> float:
    share = float(checks.matches(values, regex).mean())
    return share if share >= least else 0.0


def _genotypes(values: Any) -> float:
    """Return which share of *values* are genotypes, if both homozygous ones and the other are there.

    Codes of states, carriers and payments are of two of these letters, too, but not all three of two letters.
    """
    share = _share(values, _GENOTYPES, _NEARLY_ALL)
    pairs = {"".join(sorted(re.sub(r"[/|]", "", it))) for it in values.to_pylist()} if share else set()
    complete = any({first * 2, first + second, second * 2} <= pairs for first, second in _ALLELES)
    return share if complete else 0.0
