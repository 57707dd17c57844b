"""What says of a person what others should not learn, where it is among the values of a column.

Kinds of persons, cards, tickets and benefits (``残疾人卡``, ``刑满释放人员``) name disability or conviction,
whatever their column is called and however few of them do.  In a table about persons such a column says it of
those in whose rows they stand.  A value is looked at as a whole: a centre for the disabled is no person.
Bases of DNA and genotypes, too, are nobody's business, if they are a person's.
"""

from __future__ import annotations

from typing import Any, Final

from classifiers.evidence import checks
from classifiers.evidence.evidence import Evidence, tenths
from classifiers.evidence.sample import ColumnSample
from sandbox.schema import Kind

SOURCE: Final = "telling"
FEW: Final = 40
"""Different values up to which a column is one of kinds."""
_FEWEST_ROWS: Final = 10
_LEAST: Final = 0.02
_WEIGHT: Final = 0.8
_OF_HEALTH = (
    r"残疾|伤残|残障|肢残|智残|智障|听障|视障|盲人|聋人|聋哑|半?失能|失智|精神(?:障碍|疾病|病|残疾)|精神分裂症|抑郁症"
    r"|双相障碍|癫痫|自闭症|孤独症|艾滋病?|HIV|乙肝|梅毒|尘肺病?|孕产?妇"
)
_OF_OFFENCES = r"刑满释放|刑释|社区矫正|社矫|缓刑|假释|吸毒|戒毒|涉毒|服刑|前科|有?犯罪"
_WHOM = r"(?:感染|患|病)?(?:人员?|者|对象|军人|儿童|青少年|学生|老年?人|职工|家庭|户)"
_WHAT = r"(?:卡|票|证|类别?|等?级|优待|优惠|免费|专用|记录|史|状态|补贴|补助|津贴)"
_BEFORE = r"(?:有|无|非|是|曾|原|持|持证|其他|重度|轻度|中度|肢体|视力|听力|言语|智力|精神|多重|爱心卡)?[(]?"
_BEHIND = rf"(?:[一二三四1-4]级)?{_WHOM}?{_WHAT}?[)]?"
_PERSONS = r"(?:adult|child|customer|passenger|people|person|student|veteran)(?:ren|s)?"
_DISABLED = (
    rf"{_PERSONS} with (?:a )?disabilit(?:y|ies)|disabled {_PERSONS}|disability(?: benefits?| pension)?"
    r"|wheelchair users?|mentally ill|hiv[- ]positive|pregnant(?: wom[ae]n)?"
    r"|(?:schwer)?behinderte?r?(?: mensch(?:en)?)?|schwerbehindert"
    r"|(?:personnes? )?(?:handicapée?s?|en situation de handicap)"
    r"|(?:personas? )?(?:con discapacidad|discapacitad[oa]s?)"
)
_CONVICTED = (
    r"ex-(?:offender|convict|prisoner)s?|convicted|(?:on )?(?:probation|parole)|probationers?|parolees?"
    r"|(?:prison )?inmates?|prisoners?|felons?|vorbestraft|strafgefangene[rn]?|drug addicts?"
)
_WORDS: Final = (
    ("pi.health", "words-of-health", rf"(?i)^(?:{_BEFORE}(?:{_OF_HEALTH}){_BEHIND}|{_DISABLED})$"),
    ("pi.criminal", "words-of-offences", rf"(?i)^(?:{_BEFORE}(?:{_OF_OFFENCES}){_BEHIND}|{_CONVICTED})$"),
)


_GENES: Final = "pi.biometric"
_BASES: Final = r"(?i)^[ACGTUN]{20,}$"
_GENOTYPES: Final = r"^(?:[ACGT]{2}|[ACGT][/|][ACGT]|[012][/|][012]|\.[/|]\.|--)$"
_BOTH_ALIKE: Final = r"^(?:AA|CC|GG|TT|[ACGT012][/|][ACGT012])$"
"""One of a few genotypes is of two like bases, as codes of countries and states are not."""
_MOSTLY, _NEARLY_ALL = 0.6, 0.9
RULES: Final = frozenset({"bases", "genotypes", *(rule for _, rule, _ in _WORDS)})


def telling_evidence(sample: ColumnSample) -> tuple[Evidence, ...]:
    """Return what of a column's values, if it is in a table about persons, says what is sensitive of them."""
    values = sample.plain.drop_null()
    if sample.kind is not Kind.STRING or sample.rows < _FEWEST_ROWS or not len(values):
        return ()
    found = [(_GENES, "bases", _share(values, _BASES), _MOSTLY)]
    if sample.distinct <= FEW:
        found += [(tag, rule, _share(values, regex), _LEAST) for tag, rule, regex in _WORDS]
        if checks.matches(values, _BOTH_ALIKE).any():
            found.append((_GENES, "genotypes", _share(values, _GENOTYPES), _NEARLY_ALL))
    return tuple(
        Evidence(tag, SOURCE, rule, _WEIGHT, tenths(share))
        for tag, rule, share, least in found
        if share >= least
    )


def _share(values: Any, regex: str) -> float:
    return float(checks.matches(values, regex).mean())
