"""The taxonomy is whole: every tag, every profile, every level; and what columns say together."""

import hashlib
import json
import re
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.combinations import Level, dataset_levels, found, rules
from classifiers.taxonomy import GENERAL, IdentifierRole, core, highest, named, nearest, read_data, weaker

TAGS = sorted(core().tags)
PROFILES = sorted(core().profiles)

ORDERS = {
    "gbt35273": ("none", "personal", "sensitive"),
    "gbt45574": ("none", "personal", "sensitive"),
    "pipl": ("none", "personal", "sensitive"),
    "gbt43697": ("general", "important", "core"),
    "jrt0197": ("1", "2", "3", "4", "5"),
    "db33t2351": ("L1", "L2", "L3", "L4"),
    "gdpr": ("none", "personal", "criminal", "special"),
    "hipaa": ("none", "health", "identifier", "phi"),
}

# Named by the texts themselves: PIPL art. 28, GDPR art. 9(1) and 10, GB/T 35273-2020 Annex B, GB/T 45574-2025
# Annex A, 45 CFR 160.103 and 164.514(b)(2)(i), JR/T 0197-2020 Annex A (a client's basic profile).
NAMED = {
    "pipl": {
        "sensitive": ["pi.biometric", "pi.religion", "pi.health", "finance.account", "pi.location"],
        "personal": ["pi.name", "pi.gender", "pi.contact.email"],
    },
    "gbt35273": {
        "sensitive": [
            "pi.id.resident", "pi.id.document", "pi.id.social", "pi.credential", "pi.biometric",
            "finance.account", "finance.personal", "pi.marital", "pi.religion", "pi.health", "pi.criminal",
            "pi.location", "pi.activity",
        ],
        "personal": ["pi.name", "pi.birth-date", "pi.ethnicity", "pi.network", "pi.device"],
    },
    "gbt45574": {
        "sensitive": [
            "pi.biometric", "pi.religion", "pi.health", "finance.account", "pi.location", "pi.criminal",
            "finance.personal", "pi.id.social",
        ],
        "personal": ["pi.id.resident", "pi.marital"],
    },
    "gdpr": {
        "special": ["pi.ethnicity", "pi.political", "pi.religion", "pi.biometric", "pi.health"],
        "criminal": ["pi.criminal"],
        "personal": ["pi.network", "pi.location", "pi.contact.online", "pi.id.foreign"],
    },
    "hipaa": {
        "none": ["pi.gender", "pi.ethnicity", "pi.marital"],
        "health": ["pi.health", "finance.personal"],
        "identifier": ["pi.work", "pi.origin", "pi.age", "geo.region"],
    },
    "jrt0197": {
        "3": ["pi.name", "pi.gender", "pi.origin", "pi.ethnicity", "pi.marital", "pi.id.resident"],
        "4": ["pi.credential"],
    },
}  # fmt: skip


def test_every_profile_levels_every_tag_and_no_other() -> None:
    for name, profile in core().profiles.items():
        assert profile.order == ORDERS[name]
        assert set(profile.levels) == set(TAGS)
        assert set(profile.levels.values()) <= set(profile.order)
        assert set(profile.titles) == set(profile.order)
        assert all(set(titles) == {"en", "zh"} for titles in profile.titles.values())
        assert set(profile.basis) <= set(TAGS)
        assert all([profile.source, profile.judged])
        assert list(profile.titles) == list(profile.order)
        for said in (profile.title, *profile.titles.values(), *profile.basis.values()):
            assert set(said) == {"en", "zh"}
            assert all(said.values())
    assert set(core().profiles) == set(ORDERS)


@pytest.mark.parametrize("profile", sorted(NAMED))
def test_levels_are_those_that_the_text_names(profile: str) -> None:
    for level, tags in NAMED[profile].items():
        assert {tag: core().tags[tag].levels[profile] for tag in tags} == dict.fromkeys(tags, level)


def test_sensitive_is_what_one_of_four_standards_calls_so() -> None:
    strict = {"gbt35273": "sensitive", "gbt45574": "sensitive", "pipl": "sensitive"}
    for tag, info in core().tags.items():
        called = any(info.levels[profile] == level for profile, level in strict.items())
        assert info.sensitive == (called or info.levels["gdpr"] in {"special", "criminal"}), tag


def test_only_what_is_about_people_is_personal() -> None:
    for tag, info in core().tags.items():
        personal = tag.startswith(("pi.", "finance."))
        assert (info.role is not IdentifierRole.NONE) == personal
        for profile in set(PROFILES) - {"gbt43697", "hipaa"}:
            assert (info.levels[profile] != ORDERS[profile][0]) == personal, (tag, profile)


def test_hipaa_names_the_paragraph_of_every_identifier() -> None:
    hipaa = core().profiles["hipaa"]
    assert set(hipaa.basis) == {tag for tag, level in hipaa.levels.items() if level != "none"}
    named = " ".join(basis["en"] for tag, basis in hipaa.basis.items() if tag != "pi.text")
    assert set(re.findall(r"\(([A-Z])\)", named)) == set("ABCDEFGHIJKLMNOPQR")


def test_annex_b_is_named_for_all_that_is_sensitive_by_it() -> None:
    old = core().profiles["gbt35273"]
    judged = {"pi.id.foreign", "pi.text"}
    assert set(old.basis) | judged == {tag for tag, level in old.levels.items() if level == "sensitive"}


def test_the_province_has_at_its_top_what_is_sensitive_nationally() -> None:
    national = [core().profiles[name].levels for name in ("gbt35273", "gbt45574")]
    for tag, level in core().profiles["db33t2351"].levels.items():
        assert (level == "L4") == any(levels[tag] == "sensitive" for levels in national), tag


# A file that changed says so by its version: what was shown beside a level can be looked up.
VERSIONS = {
    "core.yaml": (4, "0fcc2770"),
    "combinations.yaml": (2, "45a1b9ba"),
    "profiles/gbt35273.yaml": (3, "7352daaf"),
    "profiles/gbt45574.yaml": (2, "17f15832"),
    "profiles/pipl.yaml": (2, "c289305e"),
    "profiles/gbt43697.yaml": (3, "26825f6a"),
    "profiles/jrt0197.yaml": (2, "304f01a4"),
    "profiles/db33t2351.yaml": (2, "65c37668"),
    "profiles/gdpr.yaml": (2, "c72d8fb9"),
    "profiles/hipaa.yaml": (2, "f77acde0"),
}


def test_a_changed_file_has_a_new_version() -> None:
    assert {file: (read_data(file)["version"], _digest(file)) for file in VERSIONS} == VERSIONS
    assert {f"profiles/{name}.yaml" for name in PROFILES} < set(VERSIONS)


def _digest(file: str) -> str:
    """Return what *file* says, comments and line breaks aside, in eight digits."""
    said = json.dumps(read_data(file), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:8]


# Of https://w3id.org/dpv/2.0/pd, looked up one by one.
DPV = """
    AccountIdentifier Age Authenticating Behavioral Biometric BirthDate Criminal DeviceBased Education
    EmailAddress Ethnicity Financial GPSCoordinate Gender IPAddress MaritalStatus MedicalHealth Name
    Nationality OfficialID PhysicalAddress PoliticalAffiliation PostalCode Professional Religion
    TelephoneNumber UID Username VehicleLicense
"""


def test_dpv_terms_are_of_one_extension() -> None:
    terms = [info.dpv for info in core().tags.values() if info.dpv]
    assert len(terms) > 25
    assert {term.removeprefix("pd:") for term in terms} == set(DPV.split())
    assert core().tags["pi.name"].dpv == "pd:Name"
    assert core().tags[GENERAL].dpv is None


@given(st.lists(st.sampled_from(TAGS)), st.lists(st.sampled_from(TAGS)), st.sampled_from(PROFILES))
def test_the_highest_level_grows_with_the_columns(some: list[str], more: list[str], profile: str) -> None:
    order = ORDERS[profile].index
    assert order(highest(profile, some)) <= order(highest(profile, some + more))
    assert highest(profile, some + more) == highest(profile, [*more, *some, *more])


def test_a_dataset_without_columns_has_the_lowest_level() -> None:
    for profile in PROFILES:
        assert highest(profile, []) == ORDERS[profile][0]
    assert dataset_levels({}) == {profile: Level(ORDERS[profile][0], (), ()) for profile in PROFILES}


def test_combinations_are_whole() -> None:
    for name, entry in read_data("combinations.yaml")["combinations"].items():
        assert set(entry["title"]) == {"en", "zh"}, name
        assert entry["source"], name
        for group in entry["columns"]:
            for tag in group:
                assert tag in TAGS or (tag.endswith(".") and any(t.startswith(tag) for t in TAGS)), tag
    for rule in rules():
        assert all(level in ORDERS[profile] for profile, level in rule.levels.items())
        # A tag in two groups would let one column stand for both.
        assert not any(set(one) & set(other) for one, other in combinations(rule.groups, 2))
        assert all(rule.groups)


def names(tags: dict[str, str], profile: str | None = None, minors: bool = False) -> set[str]:
    """Return the names of the combinations in *tags*."""
    return {combination.name for combination in found(tags, profile, minors=minors)}


def test_birth_date_postcode_and_gender_are_found_only_together() -> None:
    tags = {"born": "pi.birth-date", "zip": "pi.postcode", "sex": "pi.gender", "note": GENERAL}
    (combination,) = found(tags)
    assert combination.name == "reidentification"
    assert combination.columns == ("born", "zip", "sex")
    for column in ("born", "zip", "sex"):
        assert names({c: tag for c, tag in tags.items() if c != column}) == set()


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("pi.name", "pi.id.resident", "name-and-identity-number"),
        ("pi.name", "pi.contact.mobile", "name-and-contact"),
        ("finance.account", "pi.credential", "account-and-credential"),
        ("pi.id.generic", "pi.health", "named-health"),
        ("pi.event-date", "pi.health", "health-with-dates-or-places"),
        ("pi.work", "pi.health", "health-with-dates-or-places"),
        ("pi.name", "finance.personal", "payment-for-care"),
        ("pi.location", "pi.event-date", "whereabouts"),
        ("pi.device", "pi.location", "tracked-device"),
    ],
)
def test_pairs_are_found(first: str, second: str, name: str) -> None:
    assert name in names({"a": first, "b": second})
    assert name not in names({"a": first, "b": first}) | names({"b": second, "a": second})


def test_a_profile_leaves_out_what_it_takes_no_notice_of() -> None:
    tags = {"when": "pi.event-date", "what": "pi.health"}
    assert names(tags, "gdpr") == set()
    assert names(tags, "hipaa") == {"health-with-dates-or-places"}


def test_children_make_all_personal_data_sensitive() -> None:
    tags = {"class": "pi.education", "town": "geo.region"}
    assert dataset_levels(tags)["pipl"] == Level("personal", ("class",), ())
    assert dataset_levels(tags, minors=True)["pipl"] == Level("sensitive", (), ("minors",))
    assert dataset_levels({"town": "geo.region"}, minors=True)["pipl"] == Level("none", (), ())


def test_a_dataset_takes_its_highest_column_or_what_columns_say_together() -> None:
    levels = dataset_levels({"who": "pi.name", "id": "pi.id.resident", "town": "geo.region"})
    assert levels["gbt35273"] == Level("sensitive", ("id",), ())
    assert levels["gbt45574"] == Level("sensitive", (), ("name-and-identity-number",))
    assert levels["jrt0197"].because == ("name-and-identity-number",)
    assert levels["gbt43697"] == Level("general", (), ())


def test_health_is_protected_once_an_identifier_stands_beside_it() -> None:
    assert dataset_levels({"x": "pi.health"})["hipaa"] == Level("health", ("x",), ())
    assert dataset_levels({"x": "pi.health", "n": "pi.name"})["hipaa"] == Level("phi", (), ("named-health",))


IDENTIFIERS = sorted(tag for tag in TAGS if core().tags[tag].levels["hipaa"] == "identifier")


@pytest.mark.parametrize("health", ["pi.health", "finance.personal"])
@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_every_identifier_beside_health_or_its_payment_makes_it_protected(
    identifier: str, health: str
) -> None:
    assert dataset_levels({"who": identifier, "what": health})["hipaa"].level == "phi"


@given(st.lists(st.sampled_from(TAGS), max_size=8))
def test_a_column_more_never_lowers_a_level(tags: list[str]) -> None:
    columns = {f"c{i}": tag for i, tag in enumerate(tags)}
    steps = [dataset_levels(dict(list(columns.items())[:count])) for count in range(len(columns) + 1)]
    for before, after in pairwise(steps):
        for profile in PROFILES:
            order = ORDERS[profile].index
            assert order(before[profile].level) <= order(after[profile].level)
            grown = dataset_levels(columns, minors=True)[profile].level
            assert order(after[profile].level) <= order(grown)


@pytest.mark.parametrize("tag", TAGS)
def test_nothing_is_weaker_than_itself_and_only_one_way_where_levels_alone_differ(tag):
    assert not weaker(tag, tag)
    assert weaker("general", tag) == (
        core().tags[tag].role is not IdentifierRole.NONE or tag_above_general(tag)
    )


def tag_above_general(tag):
    """Whether no standard sees *tag* below `GENERAL`, and one above, or *tag* is sensitive."""
    steps = [
        core().profiles[name].order.index(core().tags[tag].levels[name])
        - core().profiles[name].order.index(core().tags[GENERAL].levels[name])
        for name in PROFILES
    ]
    return core().tags[tag].sensitive or (max(steps) > 0 and min(steps) >= 0)


def test_what_protects_less_is_weaker():
    assert weaker("pi.id.generic", "pi.id.resident")
    assert weaker("pi.health", "pi.name")
    assert not weaker("pi.name", "pi.gender")
    assert not weaker("pi.id.resident", "general")
    assert weaker("general", "a tag of another build")


def test_a_tag_is_called_by_its_name_or_its_title():
    for tag in core().tags.values():
        said = [tag.name, tag.name.upper(), *tag.titles.values(), f" {tag.titles['en'].lower()} "]
        assert all(named(text) is tag for text in said)
    assert named("") is named("pi") is None


@pytest.mark.parametrize(
    ("said", "language", "first"),
    [
        ("pi.nme", "en", "pi.name (Personal name)"),
        ("resident", "zh", "pi.id.resident (居民身份证号)"),
        ("身份证", "zh", "pi.id.resident (居民身份证号)"),
        ("Religion", "en", "pi.religion (Religious belief)"),
    ],
)
def test_a_misspelt_tag_is_met_with_near_ones(said, language, first):
    assert first in nearest(said, language)
    assert len(nearest(said, language)) <= 6


def test_nothing_is_near_what_means_nothing():
    assert nearest("qqqq", "en") == []
