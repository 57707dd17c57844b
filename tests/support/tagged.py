"""Columns as the gatekeeper tells of them: proposed, sensitive elsewhere, decided otherwise."""


def column(name, title, title_zh, tag, **more):
    return {
        "name": name,
        "kind": "string",
        "tag": tag,
        "title": title,
        "title_zh": title_zh,
        "dpv": None,
        "role": "direct",
        "sensitive": False,
        "levels": {"law": "personal"},
        "basis": {"law": "article 4"},
        "basis_zh": {"law": "第四条"},
        "proposed": tag,
        "seems": more.get("proposed", tag),
        "confidence": "0.97",
        "confirmed": False,
        "decision": None,
        "drifted_from": None,
        "uses": ["group", "filter", "measure"],
        "treatment": "bounds-or-categories",
        "hints": [
            {"tag": tag, "source": "headers", "rule": "home_address", "weight": 0.9, "share": None},
            {"tag": tag, "source": "dictionary", "rule": "marital-status", "weight": 0.9, "share": 1.0},
            {"tag": tag, "source": "values", "rule": "third", "weight": 0.5, "share": 1.0},
        ],
        "runners_up": [
            {"tag": "pi.work", "title": "Occupation", "title_zh": "职业", "confidence": "0.05"},
            {"tag": "general", "title": "Nothing", "title_zh": "无", "confidence": "0.04"},
        ],
        **more,
    }


TITLES = {
    "none": {"en": "not personal", "zh": "非个人信息"},
    "personal": {"en": "personal", "zh": "一般个人信息"},
    "sensitive": {"en": "sensitive personal", "zh": "敏感个人信息"},
}
WARD = {"tag": "pi.health", "proposed": "pi.work", "confirmed": True}
ANSWER = {
    "columns": [
        column("emergency_contact", "Personal name", "姓名", "pi.name"),
        column(
            "婚姻状况（含再婚）",
            "Marital status or household role",
            "婚姻、家庭关系",
            "pi.marital",
            sensitive=True,
        ),
        column(
            "dept",
            "Health: diagnoses, treatment, tests, stays",
            "健康与诊疗信息（含基因、性取向）",
            **WARD,
            sensitive=True,
            levels={"law": "sensitive"},
            decision={"by": "dpo", "at": "2026-11-23T02:00:00", "reason": "it names the ward"},
        ),
    ],
    "levels": {
        "law": {
            "title": "The Law",
            "title_zh": "本法",
            "titles": TITLES,
            "level": "sensitive",
            "columns": ["dept"],
            "combinations": [],
        }
    },
    "combinations": [],
}
